// Package client asks a tuning service: API v1 over HTTP. In: the address of a
// service, and a token. Out: the words of package api.
package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
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
}

// connectTime bounds how long a service may take to begin to answer, but for
// uploads, which it reads first.
const connectTime = time.Minute

// New makes a Client of the service at an address such as
// https://tuner.example.org:8080. The token may be empty where the service needs
// none. It is sent over TLS, or within this machine, and never otherwise.
func New(address, token string) (*Client, error) {
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
	u.Path = strings.TrimSuffix(u.Path, "/")
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.ResponseHeaderTimeout = connectTime
	return &Client{base: u, token: token, http: &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error {
		return http.ErrUseLastResponse // the API has none, and a token must not follow one
	}}}, nil
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// A StatusError is a refusal by the service.
type StatusError struct {
	Status int
	Text   string
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

// do sends a request and returns the answer if it is a good one.
func (c *Client) do(ctx context.Context, method, path string, query url.Values, contentType string, body io.Reader, header http.Header) (*http.Response, error) {
	u := *c.base
	u.Path += path
	u.RawQuery = query.Encode()
	r, err := http.NewRequestWithContext(ctx, method, u.String(), body)
	if err != nil {
		return nil, err
	}
	for k, v := range header {
		r.Header[k] = v
	}
	if contentType != "" {
		r.Header.Set("Content-Type", contentType)
	}
	if c.token != "" {
		r.Header.Set("Authorization", "Bearer "+c.token)
	}
	res, err := c.http.Do(r)
	if err != nil {
		return nil, err
	}
	if res.StatusCode/100 == 2 {
		return res, nil
	}
	defer res.Body.Close()
	text, _ := io.ReadAll(io.LimitReader(res.Body, 4<<10)) // the status says enough
	var e api.Error
	if json.Unmarshal(text, &e) != nil || e.Error == "" {
		e.Error = res.Status
	}
	return nil, &StatusError{res.StatusCode, fmt.Sprintf("%s: %s", c.base, e.Error)}
}

// call is do for answers of one JSON value.
func call[T any](ctx context.Context, c *Client, method, path string, query url.Values, contentType string, body io.Reader) (v T, err error) {
	res, err := c.do(ctx, method, path, query, contentType, body, nil)
	if err != nil {
		return v, err
	}
	defer res.Body.Close()
	if err := json.NewDecoder(io.LimitReader(res.Body, maxAnswer)).Decode(&v); err != nil {
		return v, fmt.Errorf("%s: not an answer of a tuning service: %w", c.base, err)
	}
	return v, nil
}

// Model returns one model.
func (c *Client) Model(ctx context.Context, hash string) (api.Model, error) {
	return call[api.Model](ctx, c, "GET", "/v1/models/"+url.PathEscape(hash), nil, "", nil)
}

// Upload gives the service the file of a model.
func (c *Client) Upload(ctx context.Context, name string, file []byte) (api.Model, error) {
	return call[api.Model](ctx, c, "POST", "/v1/models", url.Values{"name": {name}}, "application/octet-stream", bytes.NewReader(file))
}

// Submit asks for a job.
func (c *Client) Submit(ctx context.Context, spec api.Spec) (api.Job, error) {
	body, err := json.Marshal(spec)
	if err != nil {
		return api.Job{}, err
	}
	return call[api.Job](ctx, c, "POST", "/v1/jobs", nil, "application/json", bytes.NewReader(body))
}

// Jobs lists the latest jobs, at most limit.
func (c *Client) Jobs(ctx context.Context, limit int) ([]api.Job, error) {
	list, err := call[api.Jobs](ctx, c, "GET", "/v1/jobs", url.Values{"limit": {strconv.Itoa(limit)}}, "", nil)
	return list.Jobs, err
}

// Job returns one job.
func (c *Client) Job(ctx context.Context, id int64) (api.Job, error) {
	return call[api.Job](ctx, c, "GET", jobPath(id), nil, "", nil)
}

// Change pauses, resumes or cancels a job: verb is "pause", "resume" or "cancel".
func (c *Client) Change(ctx context.Context, id int64, verb string) (api.Job, error) {
	return call[api.Job](ctx, c, "POST", jobPath(id)+"/"+verb, nil, "", nil)
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

func (c *Client) export(ctx context.Context, path string, query url.Values, w io.Writer) error {
	res, err := c.do(ctx, "GET", path, query, "", nil, nil)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	_, err = io.Copy(w, res.Body)
	return err
}
