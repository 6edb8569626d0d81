package remote

import (
	"testing"
)

func TestCheckURL(t *testing.T) {
	c := &Credentials{Seed: seed(t)}
	for _, good := range []struct {
		url string
		c   *Credentials
	}{
		{"nats://127.0.0.1:4222", nil}, {"nats://localhost", nil}, {"nats://[::1]:4222", nil}, {"tls://localhost:4222", nil}, {"nats://127.0.0.1:4222", c},
		{"tls://hub.example:4222", c}, {"tls://192.0.2.1", c}, {"tls://a.example, tls://b.example:4222,nats://127.0.0.1", c},
	} {
		if err := CheckURL(good.url, good.c); err != nil {
			t.Error(err)
		}
	}
	for _, bad := range []struct {
		url  string
		c    *Credentials
		want string
	}{
		{"", nil, "no URL"}, {"127.0.0.1:4222", nil, "not the URL of a hub"}, {"http://127.0.0.1", nil, "not the URL of a hub"}, {"nats://", nil, "not the URL of a hub"},
		{"nats://127.0.0.1:x", nil, "not the URL of a hub"}, {"ws://localhost", nil, "not the URL of a hub"},
		{"nats://hub.example", c, "needs tls://"}, {"nats://0.0.0.0", c, "needs tls://"}, {"nats://127.0.0.1.example", c, "needs tls://"}, {"nats://[2001:db8::1]", c, "needs tls://"},
		{"tls://hub.example", nil, "needs a credentials file"}, {"nats://localhost,tls://hub.example", nil, "needs a credentials file"}, {"tls://hub.example,nats://hub.example", c, "needs tls://"},
		{"tls://user:secret@hub.example", c, "come from a file"}, {"nats://localhost,", nil, "not the URL of a hub"},
	} {
		wantLine(t, bad.url, CheckURL(bad.url, bad.c), bad.want)
	}
}

func TestBackOff(t *testing.T) {
	for n := -1; n < 100; n++ {
		if d := backOff(n); d < firstBackOff/2 || d > lastBackOff {
			t.Errorf("attempt %d waits %v", n, d)
		}
	}
	if d := backOff(50); d < lastBackOff/2 {
		t.Errorf("late attempts wait %v", d)
	}
}
