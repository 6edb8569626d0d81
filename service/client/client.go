// Package client asks a tuning service: API v1 over HTTP. In: the address of a
// service, and a token. Out: the words of package api.
package client

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"qtune/service/api"
)

// A Client asks one service. It is safe for concurrent use.
type Client struct {
	base  *url.URL
	token string
	http  *http.Client
	pace  pace
}

// connectTime bounds how long a service may take to begin to answer, but for
// uploads, which it reads first.
const connectTime = time.Minute

// New makes a Client of the service at an address such as
// https://tuner.example.org:8080. The token may be empty where the service needs
// none. It is sent over TLS, or within this machine, and never otherwise. roots are
// the authorities to trust; nil stands for those of the system.
//
// Requests that fail since the service starts anew, or is busy, are repeated for
// some seconds where that does no harm.
func New(address, token string, roots *x509.CertPool) (*Client, error) {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || u.RawQuery != "" || u.User != nil {
		return nil, fmt.Errorf("%q is not the address of a service: want http://HOST:PORT or https://HOST:PORT", address)
	}
	if token != "" && u.Scheme == "http" && !isLoopback(u.Hostname()) {
		return nil, fmt.Errorf("%s: a token is not sent without TLS: want https://", address)
	}
	if strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return nil, errors.New("the token has characters that no token has")
	}
	if roots != nil && u.Scheme == "http" {
		return nil, fmt.Errorf("%s: without TLS there is no certificate to check: want https://", address)
	}
	u.Path = strings.TrimSuffix(u.Path, "/")
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.ResponseHeaderTimeout = connectTime
	transport.TLSClientConfig = &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
	return &Client{base: u, token: token, pace: defaultPace, http: &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error {
		return http.ErrUseLastResponse // the API has none, and a token must not follow one
	}}}, nil
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// A StatusError is a refusal by the service.
type StatusError struct {
	Status     int
	Text       string
	RetryAfter time.Duration // after which the service may not refuse any more; 0 = not known
}

// Error is one line.
func (e *StatusError) Error() string { return fmt.Sprintf("%s (status %d)", e.Text, e.Status) }

// IsNotFound tells whether err says that there is no such thing.
func IsNotFound(err error) bool {
	var s *StatusError
	return errors.As(err, &s) && s.Status == http.StatusNotFound
}

// maxAnswer bounds an answer that is one JSON value, in bytes.
const maxAnswer = 64 << 20

// A question is what is asked of a service.
type question struct {
	method, path string
	query        url.Values
	header       http.Header
	body         []byte
	// unsafe is whether asking twice is not the same as asking once. An upload is
	// safe, as a model is named by what it holds, and so is a job that is submitted
	// twice: one answers the other.
	unsafe bool
}

// do asks once and returns the answer if it is a good one.
func (c *Client) do(ctx context.Context, q question) (*http.Response, error) {
	u := *c.base
	u.Path += q.path
	u.RawQuery = q.query.Encode()
	r, err := http.NewRequestWithContext(ctx, q.method, u.String(), bytes.NewReader(q.body))
	if err != nil {
		return nil, err
	}
	maps.Copy(r.Header, q.header)
	if c.token != "" {
		r.Header.Set("Authorization", "Bearer "+c.token)
	}
	res, err := c.http.Do(r)
	if err != nil {
		var broken *url.Error // which names all of the address
		if errors.As(err, &broken) {
			err = fmt.Errorf("%s: %w", c.base, broken.Err)
		}
		return nil, err
	}
	if res.StatusCode/100 == 2 {
		return res, nil
	}
	defer res.Body.Close()
	text, _ := io.ReadAll(io.LimitReader(res.Body, 4<<10)) // the status says enough
	var e api.Error
	switch {
	case json.Unmarshal(text, &e) == nil && e.Error != "":
	case bytes.Contains(text, []byte("HTTP request to an HTTPS server")): // what net/http says to who asks without TLS
		e.Error = "the service speaks TLS: want https://"
	default:
		e.Error = res.Status
	}
	seconds, _ := strconv.Atoi(res.Header.Get("Retry-After")) // dates and nonsense are as if it were not there
	return nil, &StatusError{res.StatusCode, fmt.Sprintf("%s: %s", c.base, e.Error), time.Duration(max(seconds, 0)) * time.Second}
}

// call asks for an answer of one JSON value.
func call[T any](ctx context.Context, c *Client, q question) (v T, err error) {
	err = c.repeat(ctx, !q.unsafe, func() error {
		res, err := c.do(ctx, q)
		if err != nil {
			return err
		}
		defer res.Body.Close()
		var whole T
		if err := json.NewDecoder(io.LimitReader(res.Body, maxAnswer)).Decode(&whole); err != nil {
			return fmt.Errorf("%s: not an answer of a tuning service: %w", c.base, err)
		}
		v = whole
		return nil
	})
	return v, err
}

func typed(content string) http.Header { return http.Header{"Content-Type": {content}} }

// Model returns one model.
func (c *Client) Model(ctx context.Context, hash string) (api.Model, error) {
	return call[api.Model](ctx, c, question{method: "GET", path: "/v1/models/" + url.PathEscape(hash)})
}

// Upload gives the service the file of a model.
func (c *Client) Upload(ctx context.Context, name string, file []byte) (api.Model, error) {
	return call[api.Model](ctx, c, question{method: "POST", path: "/v1/models", query: url.Values{"name": {name}}, header: typed("application/octet-stream"), body: file})
}

// Submit asks for a job.
func (c *Client) Submit(ctx context.Context, spec api.Spec) (api.Job, error) {
	body, err := json.Marshal(spec)
	if err != nil {
		return api.Job{}, err
	}
	return call[api.Job](ctx, c, question{method: "POST", path: "/v1/jobs", header: typed("application/json"), body: body})
}

// Jobs lists the latest jobs, at most limit.
func (c *Client) Jobs(ctx context.Context, limit int) ([]api.Job, error) {
	list, err := call[api.Jobs](ctx, c, question{method: "GET", path: "/v1/jobs", query: url.Values{"limit": {strconv.Itoa(limit)}}})
	return list.Jobs, err
}

// Job returns one job.
func (c *Client) Job(ctx context.Context, id int64) (api.Job, error) {
	return call[api.Job](ctx, c, question{method: "GET", path: jobPath(id)})
}

// Change pauses, resumes or cancels a job: verb is "pause", "resume" or "cancel".
func (c *Client) Change(ctx context.Context, id int64, verb string) (api.Job, error) {
	return call[api.Job](ctx, c, question{method: "POST", path: jobPath(id) + "/" + verb, unsafe: true})
}

func jobPath(id int64) string { return "/v1/jobs/" + strconv.FormatInt(id, 10) }

// Best writes what decides the schedules of a model, an export of the service's log,
// to w. target and machine may be empty.
func (c *Client) Best(ctx context.Context, hash, target, machine string, w io.Writer) error {
	return c.export(ctx, "/v1/models/"+url.PathEscape(hash)+"/best", url.Values{"target": {target}, "machine": {machine}}, w)
}

// BestOf is Best for one workload.
func (c *Client) BestOf(ctx context.Context, workload, target, machine string, w io.Writer) error {
	return c.export(ctx, "/v1/best", url.Values{"workload": {workload}, "target": {target}, "machine": {machine}}, w)
}

// LogOf writes all that the service's log has of a workload, as an export.
func (c *Client) LogOf(ctx context.Context, workload, target, machine string, w io.Writer) error {
	return c.export(ctx, "/v1/log", url.Values{"workload": {workload}, "target": {target}, "machine": {machine}}, w)
}

// export writes an answer as it comes: an export has no limit. One that breaks off is
// therefore not asked for again.
func (c *Client) export(ctx context.Context, path string, query url.Values, w io.Writer) error {
	var res *http.Response
	err := c.repeat(ctx, true, func() (err error) {
		res, err = c.do(ctx, question{method: "GET", path: path, query: query})
		return err
	})
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if _, err = io.Copy(w, res.Body); err != nil {
		return fmt.Errorf("%s: %w", c.base, err)
	}
	return nil
}
