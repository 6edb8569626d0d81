package schedules

// A Knob is one decision: a name and the values it can take, the default
// first.
type Knob struct {
	Name   string
	Values []string
}
