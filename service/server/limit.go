package server

import (
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"time"
)

// How many may be under way at once.
const (
	maxUploads = 4    // each is checked in memory
	maxWatches = 1000 // a connection and little memory each
	// Beyond these clients wait to be accepted: files of the store must be opened still.
	maxConnections = 2000
)

// How slow a client may be: its first grace is free, then it must keep to a pace.
const (
	grace   = 30 * time.Second
	minPace = 16 << 10 // bytes a second
)

var errSlow = errors.New("the body came too slowly")

// limitTime bounds how long a request's body may take to come and an answer to be
// taken, by their sizes so far.
func (s *Server) limitTime(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c := http.NewResponseController(w)
		if r.ContentLength != 0 {
			begun := time.Now()
			_ = c.SetReadDeadline(begun.Add(s.grace)) // also of a body that nobody reads
			r.Body = &pacedBody{ReadCloser: r.Body, control: c, until: begun.Add(s.grace)}
		}
		next.ServeHTTP(&pacedWriter{w, c, s.grace}, r)
	})
}

// A pacedBody fails where the client does not keep to the pace.
type pacedBody struct {
	io.ReadCloser
	control *http.ResponseController
	until   time.Time // with what has come so far
}

func (b *pacedBody) Read(p []byte) (int, error) {
	// Where there is no connection, as in tests, there is nothing to wait for.
	_ = b.control.SetReadDeadline(b.until)
	n, err := b.ReadCloser.Read(p)
	b.until = b.until.Add(time.Duration(n) * time.Second / minPace)
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		err = errSlow
	case errors.Is(err, io.EOF):
		_ = b.control.SetReadDeadline(time.Time{}) // the answer may take longer
	}
	return n, err
}

// A pacedWriter gives up on a client that does not take what is written.
type pacedWriter struct {
	http.ResponseWriter
	control *http.ResponseController
	grace   time.Duration
}

func (w *pacedWriter) Write(p []byte) (int, error) {
	_ = w.control.SetWriteDeadline(time.Now().Add(w.grace + time.Duration(len(p))*time.Second/minPace)) // idem
	return w.ResponseWriter.Write(p)
}

// Unwrap is for http.ResponseController.
func (w *pacedWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// isBroken tells whether an error is of the client's connection. It is not a
// net.Error that tells: errors of files are such, too.
func isBroken(err error) bool {
	var n *net.OpError
	return errors.Is(err, io.ErrUnexpectedEOF) || errors.As(err, &n)
}

// enter takes one of a limited number of places. The caller calls leave.
func enter(places chan struct{}, what string) (leave func(), err error) {
	select {
	case places <- struct{}{}:
		return func() { <-places }, nil
	default:
		return nil, httpErrorf(http.StatusTooManyRequests, "%d %s are under way: try again later", cap(places), what)
	}
}
