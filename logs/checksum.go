package logs

import (
	"encoding/binary"
	"errors"
	"hash/crc64"
	"math"
	"sync"
	"time"
)

var (
	crcTable    = crc64.MakeTable(crc64.ECMA)
	errChecksum = errors.New("its checksum does not match")
)

// rowSum accumulates a row's checksum: CRC-64 (ECMA) over the fields in the
// order of the functions below, texts and blobs with their length before them,
// numbers as 8 bytes, little-endian. Session ids differ between logs and are
// left out.
type rowSum struct{ buf []byte }

// sums keeps buffers: every row that is read needs one.
var sums = sync.Pool{New: func() any { return &rowSum{} }}

func newSum() *rowSum {
	s := sums.Get().(*rowSum)
	s.buf = s.buf[:0]
	return s
}

func (s *rowSum) text(ts ...string) {
	for _, t := range ts {
		s.buf = binary.LittleEndian.AppendUint64(s.buf, uint64(len(t)))
		s.buf = append(s.buf, t...)
	}
}

func (s *rowSum) blob(b []byte) {
	s.buf = binary.LittleEndian.AppendUint64(s.buf, uint64(len(b)))
	s.buf = append(s.buf, b...)
}

func (s *rowSum) number(ns ...uint64) {
	for _, n := range ns {
		s.buf = binary.LittleEndian.AppendUint64(s.buf, n)
	}
}

func (s *rowSum) real(fs ...float64) {
	for _, f := range fs {
		s.number(math.Float64bits(f))
	}
}

func (s *rowSum) sum() int64 { return int64(crc64.Checksum(s.buf, crcTable)) }

func (r *trialRow) computeSum() int64 {
	s := newSum()
	defer sums.Put(s)
	s.text(r.workload, r.machine, r.isa, r.schedule, r.generator, r.protocol, r.status, r.message)
	s.blob(r.samples)
	s.text(r.codeHash)
	s.number(uint64(r.seed), uint64(r.time))
	s.real(r.centerNS, r.loNS, r.hiNS)
	return s.sum()
}

func (r *finalRow) computeSum() int64 {
	s := newSum()
	defer sums.Put(s)
	s.text(r.workload, r.machine, r.isa, r.schedule, r.generator, r.protocol, r.defaultSchedule, r.codeHash)
	s.number(uint64(r.time))
	s.real(r.tunedNS, r.defaultNS)
	return s.sum()
}

// samplesBlob is the stored form of samples.
func samplesBlob(ns []float64) []byte {
	b := make([]byte, 0, 8*len(ns))
	for _, f := range ns {
		b = binary.LittleEndian.AppendUint64(b, math.Float64bits(f))
	}
	return b
}

// samplesOf is the inverse of samplesBlob.
func samplesOf(b []byte) ([]float64, error) {
	if len(b)%8 != 0 {
		return nil, errors.New("its samples are cut off")
	}
	if len(b) == 0 {
		return nil, nil
	}
	ns := make([]float64, 0, len(b)/8)
	for ; len(b) > 0; b = b[8:] {
		ns = append(ns, math.Float64frombits(binary.LittleEndian.Uint64(b)))
	}
	return ns, nil
}

// timeOf is the inverse of stampOf.
func timeOf(stamp int64) time.Time {
	if stamp == 0 {
		return time.Time{}
	}
	return time.Unix(0, stamp).UTC()
}

// stampOf is the stored form of a time: nanoseconds since 1970, 0 for the zero
// time.
func stampOf(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixNano()
}
