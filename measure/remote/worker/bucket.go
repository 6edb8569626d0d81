package worker

import (
	"context"
	"errors"
	"sync"

	"github.com/nats-io/nats.go/jetstream"

	"qtune/measure/remote"
)

// A bucket is the workers' bucket, which may not be there yet.
type bucket struct {
	js jetstream.JetStream
	mu struct {
		sync.Mutex
		kv jetstream.KeyValue // nil: not found yet
	}
}

func (b *bucket) open(ctx context.Context) (jetstream.KeyValue, error) {
	b.mu.Lock()
	kv := b.mu.kv
	b.mu.Unlock()
	if kv != nil {
		return kv, nil
	}
	kv, err := b.js.KeyValue(ctx, remote.WorkersBucket)
	if err != nil {
		return nil, err
	}
	b.mu.Lock()
	b.mu.kv = kv
	b.mu.Unlock()
	return kv, nil
}

// forget makes the next call look for the bucket again, where err may mean that it
// is gone.
func (b *bucket) forget(err error) {
	if err == nil || errors.Is(err, jetstream.ErrKeyNotFound) {
		return
	}
	b.mu.Lock()
	b.mu.kv = nil
	b.mu.Unlock()
}

func (b *bucket) put(ctx context.Context, key string, value []byte) error {
	kv, err := b.open(ctx)
	if err != nil {
		return err
	}
	_, err = kv.Put(ctx, key, value)
	b.forget(err)
	return err
}

// get fails with jetstream.ErrKeyNotFound where there is no entry.
func (b *bucket) get(ctx context.Context, key string) ([]byte, error) {
	kv, err := b.open(ctx)
	if err != nil {
		return nil, err
	}
	entry, err := kv.Get(ctx, key)
	b.forget(err)
	if err != nil {
		return nil, err
	}
	return entry.Value(), nil
}
