package remote

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// censusTime is how long a census waits for replies: workers of one site take a few
// milliseconds, the others an ocean.
const censusTime = 400 * time.Millisecond

// Census asks all workers how they are. Those that are gone, or frozen, do not
// answer. The order is that of their names.
func Census(ctx context.Context, nc *nats.Conn) ([]Status, error) {
	inbox := nc.NewRespInbox()
	replies, err := nc.SubscribeSync(inbox)
	if err != nil {
		return nil, fmt.Errorf("asking the workers: %w", err)
	}
	defer func() { _ = replies.Unsubscribe() }() // fails only where the connection has ended
	if err := nc.PublishRequest(StatusSubject, inbox, nil); err != nil {
		return nil, fmt.Errorf("asking the workers: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, censusTime)
	defer cancel()
	var all []Status
	for {
		m, err := replies.NextMsgWithContext(ctx)
		switch {
		case errors.Is(err, context.DeadlineExceeded), errors.Is(err, nats.ErrNoResponders):
			slices.SortFunc(all, func(a, b Status) int { return cmp.Compare(a.Identity.Name, b.Identity.Name) })
			return all, nil
		case err != nil:
			return nil, fmt.Errorf("asking the workers: %w", err)
		}
		// What is no status is of another version, or nonsense: nobody to count on.
		if s, err := DecodeStatus(m.Data); err == nil {
			all = append(all, *s)
		}
	}
}

// LastSeen returns what workers last said of themselves, those that are gone too.
func LastSeen(ctx context.Context, kv jetstream.KeyValue) ([]Status, error) {
	keys, err := kv.Keys(ctx)
	if errors.Is(err, jetstream.ErrNoKeysFound) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading the workers' bucket: %w", err)
	}
	slices.Sort(keys)
	var all []Status
	for _, key := range keys {
		e, err := kv.Get(ctx, key)
		if errors.Is(err, jetstream.ErrKeyNotFound) {
			continue // deleted just now
		}
		if err != nil {
			return nil, fmt.Errorf("reading the workers' bucket: %w", err)
		}
		if s, err := DecodeStatus(e.Value()); err == nil && StatusKey(s.Identity.Name) == key {
			all = append(all, *s)
		}
	}
	return all, nil
}

// PutAside has a worker take no work any more, and says why.
func PutAside(ctx context.Context, kv jetstream.KeyValue, worker, why string) error {
	if _, err := kv.PutString(ctx, AsideKey(worker), cut(why, maxText)); err != nil {
		return fmt.Errorf("putting worker %s aside: %w", worker, err)
	}
	return nil
}

// LetIn lets a worker that was put aside take work again. It reports whether it was
// aside.
func LetIn(ctx context.Context, kv jetstream.KeyValue, worker string) (bool, error) {
	_, err := kv.Get(ctx, AsideKey(worker))
	if errors.Is(err, jetstream.ErrKeyNotFound) {
		return false, nil
	}
	if err == nil {
		err = kv.Delete(ctx, AsideKey(worker))
	}
	if err != nil {
		return false, fmt.Errorf("letting worker %s in: %w", worker, err)
	}
	return true, nil
}
