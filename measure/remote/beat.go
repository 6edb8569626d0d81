package remote

import (
	"cmp"
	"encoding/json"
)

// A Beat says that a worker is at a batch, or that it gives it back.
type Beat struct {
	Batch   string // its ID
	Attempt int    // how many workers had the batch, this one included
	Back    bool   // it gives the batch back, for reasons of its own
}

type wireBeat struct {
	V       int
	Batch   string
	Attempt int
	Back    bool `json:",omitempty"`
}

// Encode returns the wire form.
func (b Beat) Encode() ([]byte, error) {
	return json.Marshal(wireBeat{Version, b.Batch, b.Attempt, b.Back})
}

// DecodeBeat reads a beat that came from anywhere.
func DecodeBeat(data []byte) (Beat, error) {
	var w wireBeat
	if err := decode("beat", MaxMessage, data, &w); err != nil {
		return Beat{}, err
	}
	if err := cmp.Or(checkID(w.Batch), checkAttempt(w.Attempt)); err != nil {
		return Beat{}, brief("beat", err)
	}
	return Beat{w.Batch, w.Attempt, w.Back}, nil
}
