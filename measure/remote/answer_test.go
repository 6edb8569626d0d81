package remote

import (
	"math"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"qtune/measure"
	"qtune/schedules"
)

func identity(t testing.TB) Identity {
	t.Helper()
	m, err := schedules.ParseMachine("amd-26-2 cores=2 l1d=49152 l2=1048576 l3=33554432 brand=AMD EPYC")
	if err != nil {
		t.Fatal(err)
	}
	return Identity{Name: "board-1", Version: "v1.2", Generator: "7", Machine: m}
}

// answer is one to batch.
func answer(t testing.TB) *Answer {
	t.Helper()
	ok := func(id uint64) measure.Result {
		s := []float64{1000.5, 1200, 999.25, 1e4, 1001}
		return measure.Result{ID: id, SamplesNS: s, Summary: measure.Summarise(s), CodeHash: "0123abcd", Core: 1, Disturbed: 2, Calibration: 55.5}
	}
	return &Answer{Batch: "t-1-7", Attempt: 1, Worker: identity(t), Results: []measure.Result{
		ok(0), {ID: 1, Status: measure.Crash, Message: "signal: segmentation fault\nat 0", Core: measure.AnyCore}, ok(2)}}
}

func TestAnswerRoundTrip(t *testing.T) {
	refused := &Answer{Batch: "x", Worker: identity(t), Refused: "generator version \"6\" is asked for"}
	for _, want := range []*Answer{answer(t), refused} {
		got, err := DecodeAnswer(encode(t, want))
		if err != nil {
			t.Fatal(err)
		}
		if d := same(want, got); d != "" {
			t.Error(d)
		}
	}
}

// A worker's answer must get through whatever its programs wrote before they died.
func TestMessagesAreShortenedToFit(t *testing.T) {
	a := answer(t)
	for _, text := range []string{strings.Repeat("\xff", 5000), strings.Repeat("\x01<&>", 5000), strings.Repeat("é", 5000), strings.Repeat("日", 5000), "\x1b[2J\x07"} {
		a.Results = nil
		for i := range MaxJobs {
			a.Results = append(a.Results, measure.Result{ID: uint64(i), Status: measure.Crash, Message: text, Core: measure.AnyCore})
		}
		got, err := DecodeAnswer(encode(t, a))
		if err != nil {
			t.Errorf("%.10q: %v", text, err)
			continue
		}
		m := got.Results[MaxJobs-1].Message
		if len(m) < 2 || len(m) > maxRefusal || !utf8.ValidString(m) || strings.ContainsAny(m, "\x01\x07\x1b") {
			t.Errorf("%.10q: the message is %d bytes, %.20q", text, len(m), m)
		}
	}
	a.Results, a.Refused = nil, strings.Repeat("\xff", 5000)
	if got, err := DecodeAnswer(encode(t, a)); err != nil || len(got.Refused) != maxRefusal {
		t.Errorf("%v, %v", got, err)
	}
}

func TestForeignAnswersAreRefused(t *testing.T) {
	good := encode(t, answer(t))
	worker := func(key string, value any) func(map[string]any) {
		return func(m map[string]any) { m["Worker"].(map[string]any)[key] = value }
	}
	result := func(key string, value any) func(map[string]any) {
		return func(m map[string]any) { m["Results"].([]any)[0].(map[string]any)[key] = value }
	}
	long := strings.Repeat("x", 5000)
	for _, c := range []struct {
		want string
		edit func(map[string]any)
	}{
		{"batch ID", set("Batch", "")},
		{"attempt -1", set("Attempt", -1)},
		{"attempt 1000000000", set("Attempt", 1_000_000_000)},
		{"name", worker("Name", "a.b")},
		{"version of 5000 bytes", worker("Version", long)},
		{"not printable", worker("Version", "\x1b]0;x\x07")},
		{"not printable", worker("Generator", "7\n")},
		{"machine", worker("Machine", "toaster")},
		{"machine", worker("Machine", long)},
		{"a refusal of 5000 bytes", func(m map[string]any) { m["Refused"] = long; delete(m, "Results") }},
		{"3 results, a refusal", set("Refused", "no")},
		{"65 results", func(m map[string]any) { m["Results"] = slices.Repeat(m["Results"].([]any)[:1], 65) }},
		{"unknown status", result("Status", "splendid")},
		{"ok with 0 samples", result("SamplesNS", []any{})},
		{"crash with 5 samples", result("Status", "crash")},
		{"a sample of 0 ns", result("SamplesNS", []any{0})},
		{"a sample of -1 ns", result("SamplesNS", []any{-1})},
		{"a sample of 1e+300 ns", result("SamplesNS", []any{1e300})},
		{"a sample of 1e-300 ns", result("SamplesNS", []any{1e-300})},
		{"ok with 10001 samples", result("SamplesNS", slices.Repeat([]any{1}, 10_001))},
		{"calibration of -1 ns", result("Calibration", -1)},
		{"calibration of 1e+300 ns", result("Calibration", 1e300)},
		{"a message of 5000 bytes", result("Message", long)},
		{"a hash of 5000", result("CodeHash", long)},
		{"a hash of 1", result("CodeHash", "\x1b")},
		{"core -2", result("Core", -2)},
		{"core 100000", result("Core", 100_000)},
		{"-1 samples disturbed", result("Disturbed", -1)},
		{"cannot unmarshal", result("SamplesNS", "fast")},
	} {
		_, err := DecodeAnswer(edit(t, good, c.edit))
		wantLine(t, c.want, err, c.want)
	}
	for _, data := range []string{"", "null", "{}", `{"V":1}`, `{"V":1,"Batch":"x","Worker":{"Name":"x"}}`, `{"V":1,"SamplesNS":[NaN]}`, strings.Repeat(" ", MaxMessage+1)} {
		if _, err := DecodeAnswer([]byte(data)); err == nil {
			t.Errorf("%.20q is accepted", data)
		}
	}
}

// Nobody but the samples says how fast a candidate is.
func TestSummariesAreMadeAnew(t *testing.T) {
	good := answer(t)
	lie := edit(t, encode(t, good), func(m map[string]any) {
		m["Results"].([]any)[0].(map[string]any)["Summary"] = map[string]any{"Center": 0.001, "Lo": 0.001, "Hi": 0.001, "Confidence": 1, "N": 1000}
	})
	got, err := DecodeAnswer(lie)
	if err != nil || got.Results[0].Summary != good.Results[0].Summary {
		t.Errorf("the summary is %+v, %v", got.Results[0].Summary, err)
	}
}

func TestFits(t *testing.T) {
	b := batch(t)
	for _, c := range []struct {
		want string
		do   func(*Answer)
	}{
		{"", func(a *Answer) {}},
		{"", func(a *Answer) { a.Refused, a.Results = "no", nil }},
		{"", func(a *Answer) { a.Results[2].SamplesNS = a.Results[2].SamplesNS[:2] }}, // gave up
		{"answer to batch other", func(a *Answer) { a.Batch = "other" }},
		{"in the name of board-2", func(a *Answer) { a.Worker.Name = "board-2" }},
		{"2 results for 3 jobs", func(a *Answer) { a.Results = a.Results[:2] }},
		{"0 results for 3 jobs", func(a *Answer) { a.Results = nil }},
		{"result 1 is of job 9", func(a *Answer) { a.Results[1].ID = 9 }},
		{"result 0 is of job 1", func(a *Answer) { slices.Reverse(a.Results[:2]) }},
		{"with 6 samples", func(a *Answer) { a.Results[0].SamplesNS = append(a.Results[0].SamplesNS, 1) }},
		{"generator 6, not 7", func(a *Answer) { a.Worker.Generator = "6" }},
		{"from amd-26-3", func(a *Answer) { a.Worker.Machine.Model = 3 }},
	} {
		a := answer(t)
		c.do(a)
		err := a.Fits(b, "board-1")
		if c.want == "" {
			if err != nil {
				t.Errorf("refused: %v", err)
			}
			continue
		}
		wantLine(t, c.want, err, c.want)
	}
}

func TestBeatRoundTrip(t *testing.T) {
	want := Beat{Batch: "t-1-7", Attempt: 2, Back: true}
	if got, err := DecodeBeat(encode(t, want)); err != nil || got != want {
		t.Errorf("%v, %v", got, err)
	}
	for text, why := range map[string]string{
		`{"V":1,"Batch":"a b"}`: "batch ID", `{"V":1,"Batch":"a","Attempt":-1}`: "attempt -1", `{"V":1,"Batch":"a","Attempt":1e99}`: "cannot unmarshal",
		`{"V":1}`: "batch ID", `{"V":1,"Batch":["` + strings.Repeat("x", 1000) + `"]}`: "cannot unmarshal", "": "unexpected end",
	} {
		_, err := DecodeBeat([]byte(text))
		wantLine(t, text, err, why)
	}
}

func FuzzDecodeAnswer(f *testing.F) {
	f.Add(encode(f, answer(f)))
	f.Add([]byte(`{"V":1,"Batch":"x","Attempt":3,"Worker":{"Name":"x","Machine":"amd-26-2 cores=2 l1d=1 l2=1 l3=1"},"Refused":"\u0000\ud800"}`))
	f.Add([]byte(`{"V":1,"Batch":"x","Worker":{"Name":"x","Machine":"a-1-1 cores=1 l1d=1 l2=1 l3=1"},"Results":[{"Status":"ok","SamplesNS":[1e3,1e-3,1e15]}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		a, err := DecodeAnswer(data)
		if err != nil {
			if strings.Contains(err.Error(), "\n") || len(err.Error()) > 700 {
				t.Errorf("not one short line: %q", err)
			}
			return
		}
		for _, r := range a.Results {
			if c := float64(r.Summary.Center); math.IsNaN(c) || math.IsInf(c, 0) {
				t.Errorf("a center of %g", c)
			}
		}
		out, err := a.encode(maxRefusal)
		if err != nil {
			t.Fatal(err)
		}
		if len(out) > MaxMessage {
			return // the escapes of JSON can be longer
		}
		again, err := DecodeAnswer(out)
		if err != nil {
			t.Fatal(err)
		}
		if d := same(a, again); d != "" {
			t.Error(d)
		}
	})
}

func FuzzDecodeBeat(f *testing.F) {
	f.Add(encode(f, Beat{"t-1-7", 2, false}))
	f.Add([]byte(`{"V":1,"Batch":"-","Attempt":1000000}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		b, err := DecodeBeat(data)
		if err != nil {
			return
		}
		if again, err := DecodeBeat(encode(t, b)); err != nil || again != b {
			t.Errorf("%v, %v; want %v", again, err, b)
		}
	})
}
