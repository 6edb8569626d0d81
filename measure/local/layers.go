package local

import (
	"container/list"

	"qtune/measure"
	"qtune/qnn"
	"qtune/qnn/ref"
	"qtune/schedules"
)

// A layer is a workload with numbers: what all candidates of it compute.
type layer struct {
	*qnn.Layer
	spaces map[schedules.ISA]*schedules.Space // that candidates were of
	input  []byte
	want   []byte // the reference output; nil until it is asked for
}

// layerCache keeps the layers used last.
type layerCache struct {
	limit, size int // bytes
	entries     map[layerKey]*list.Element
	order       *list.List // of *layerEntry, last used first
}

type layerKey struct {
	workload schedules.Workload
	seed     uint64
}

type layerEntry struct {
	key   layerKey
	layer *layer
	bytes int
}

func newLayerCache(limit int) *layerCache {
	return &layerCache{limit: limit, entries: map[layerKey]*list.Element{}, order: list.New()}
}

// get returns the layer of a job, made if need be.
func (c *layerCache) get(j measure.Job) *layer {
	key := layerKey{j.Workload, j.Seed}
	if e, ok := c.entries[key]; ok {
		c.order.MoveToFront(e)
		return e.Value.(*layerEntry).layer
	}
	w := j.Workload
	entry := &layerEntry{key, &layer{Layer: w.Layer(j.Seed), spaces: map[schedules.ISA]*schedules.Space{}, input: schedules.RandomInput(w.InputBytes(), j.Seed)},
		w.InputBytes() + w.OutputBytes() + w.WeightBytes()}
	c.entries[key] = c.order.PushFront(entry)
	c.size += entry.bytes
	for c.size > c.limit && c.order.Len() > 1 {
		old := c.order.Remove(c.order.Back()).(*layerEntry)
		delete(c.entries, old.key)
		c.size -= old.bytes
	}
	return entry.layer
}

// validate tells whether the schedule of a job is one of its space.
func (l *layer) validate(j measure.Job) error {
	space := l.spaces[j.ISA]
	if space == nil {
		var err error
		if space, err = schedules.SpaceFor(j.Workload, j.ISA); err != nil {
			return err
		}
		l.spaces[j.ISA] = space
	}
	return space.Validate(j.Schedule)
}

// reference returns the right output.
func (l *layer) reference() []byte {
	if l.want == nil {
		l.want = make([]byte, l.N*l.OH*l.OW*l.OC)
		ref.Layer(l.Layer, l.input, l.want)
	}
	return l.want
}
