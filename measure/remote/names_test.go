package remote

import (
	"strings"
	"testing"

	"qtune/schedules"
)

func TestNamesFitSubjectsStreamsAndConsumers(t *testing.T) {
	k := Kind{"7", schedules.AVX512VNNI, class}
	if got, want := k.Subject("desk"), "qtune.job.7.avx512vnni.amd-26-2_l1d49152_l21048576_l333554432.desk"; got != want {
		t.Errorf("subject %s, want %s", got, want)
	}
	if got, want := k.Consumer(), "avx512vnni_amd-26-2_l1d49152_l21048576_l333554432"; got != want {
		t.Errorf("consumer %s, want %s", got, want)
	}
	odd := Kind{"7.1 *>", schedules.AVX2, "a.b c*d>e/f\\g\x00é=1"}
	for _, name := range []string{JobsStream(odd.Generator), odd.Consumer()} {
		if strings.ContainsAny(name, ". *>/\\\x00\t") {
			t.Errorf("name %q", name)
		}
	}
	if words := strings.Split(odd.Subject("desk"), "."); len(words) != 6 || strings.ContainsAny(odd.Subject("desk"), " *>") {
		t.Errorf("subject %q", odd.Subject("desk"))
	}
	if !strings.HasPrefix(JobsStream("7"), JobsStreamPrefix) || !strings.HasPrefix(k.Subject("x"), strings.TrimSuffix(JobSubjects("7"), ">")) {
		t.Error("a job's subject is not of its stream")
	}
}

func TestNamesInSubjects(t *testing.T) {
	k := Kind{"7", schedules.AVX2, class}
	if got := TunerOfJob(k.Subject("desk")); got != "desk" {
		t.Errorf("the tuner is %q", got)
	}
	for _, subject := range []string{ResultSubject("desk", "board"), BeatSubject("desk", "board")} {
		if got := WorkerOf(subject); got != "board" {
			t.Errorf("%s is of %q", subject, got)
		}
	}
	if got := tunerOf(ResultSubject("desk", "board")); got != "desk" {
		t.Errorf("the answer is for %q", got)
	}
	for _, subject := range []string{"", "qtune", "qtune.result", "qtune.result.a", "qtune.result.a.b.c", "other.result.a.b", "qtune.job.a.b", "qtune.job.a.b.c.d.e", "$KV.x.y.z"} {
		if TunerOfJob(subject) != "" || WorkerOf(subject) != "" || tunerOf(subject) != "" {
			t.Errorf("%q is of somebody", subject)
		}
	}
}

func TestCheckName(t *testing.T) {
	for _, name := range []string{"a", "board-1", "7", "a-", strings.Repeat("x", 32)} {
		if err := CheckName(name); err != nil {
			t.Error(err)
		}
	}
	for _, name := range []string{"", "-a", "A", "a.b", "a b", "a*", "a>", "a/b", "..", "a_b", "é", "a\n", "\x00", strings.Repeat("x", 33), strings.Repeat("é", 5000)} {
		wantLine(t, name, CheckName(name), "name ")
	}
}
