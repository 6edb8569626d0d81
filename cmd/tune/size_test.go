package main

import "testing"

func TestByteSize(t *testing.T) {
	for text, want := range map[string]int64{"1": 1, "1000": 1000, "1536KiB": 1536 << 10, "2MiB": 2 << 20, "32GiB": 32 << 30, "8388607TiB": 8388607 << 40} {
		var s byteSize
		if err := s.Set(text); err != nil || int64(s) != want {
			t.Errorf("%s: %d, %v, want %d", text, s, err, want)
		}
		var again byteSize
		if err := again.Set(s.String()); err != nil || again != s {
			t.Errorf("%s comes back as %s: %d, %v", text, &s, again, err)
		}
	}
	for _, text := range []string{"", "0", "-1GiB", "1.5GiB", "GiB", "32GB", "32 GiB", "8388608TiB", "9223372036854775808", "1KiBKiB"} {
		s := byteSize(7)
		if err := s.Set(text); err == nil || s != 7 {
			t.Errorf("%q is taken for %d", text, s)
		}
	}
}
