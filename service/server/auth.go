package server

import (
	"context"
	"net"
	"net/http"
	"strings"
	"time"

	"qtune/service"
)

// cookieName is the cookie that holds the token of a browser.
const cookieName = "qtune_token"

// guard sets headers that all answers have.
func (s *Server) guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Cache-Control", "no-store")
		h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'") // pages have their own
		h.Set("Referrer-Policy", "no-referrer")
		if s.cfg.TLS {
			h.Set("Strict-Transport-Security", "max-age=31536000")
		}
		next.ServeHTTP(w, r)
	})
}

// localHost tells whether a Host header names this machine to itself.
func localHost(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	host = strings.Trim(host, "[]")
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// as makes a handler for callers with a role.
func (s *Server) as(role service.Role, f func(http.ResponseWriter, *http.Request, service.Caller) error) http.Handler {
	return s.answer(func(w http.ResponseWriter, r *http.Request) error {
		if role == service.NoRole {
			return f(w, r, service.Caller{})
		}
		c, ok, err := s.caller(r)
		switch {
		case err != nil:
			return err
		case !ok:
			w.Header().Set("WWW-Authenticate", `Bearer realm="qtune"`)
			return httpErrorf(http.StatusUnauthorized, "a valid token is needed")
		case c.Role < role:
			return httpErrorf(http.StatusForbidden, "this needs the role %v, and the token of %s has %v", role, c.Name, c.Role)
		}
		note(w, c)
		r, done := s.whileAllowed(r, role)
		defer done()
		return f(w, r, c)
	})
}

// recheck is how often it is looked whether the caller of a long request still has
// his role.
const recheck = 15 * time.Second

// whileAllowed returns the request with a context that ends when its caller loses the
// role: what watches for hours must not go on with a token that was revoked. The
// caller of whileAllowed calls done.
func (s *Server) whileAllowed(r *http.Request, role service.Role) (bounded *http.Request, done func()) {
	ctx, cancel := context.WithCancel(r.Context())
	go func() {
		defer cancel()
		every := time.NewTicker(s.recheck)
		defer every.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-every.C:
			}
			if c, ok, err := s.caller(r); err == nil && (!ok || c.Role < role) {
				return
			}
		}
	}()
	return r.WithContext(ctx), cancel
}

// caller returns who asks: by the token in the header, else in the cookie. Without
// tokens that is anybody on this machine, but only by its own name: a page of another
// site could have that site's name resolved to this machine, and would be taken for
// a page of ours.
func (s *Server) caller(r *http.Request) (c service.Caller, ok bool, err error) {
	token, given := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if cookie, err := r.Cookie(cookieName); !given && err == nil {
		token = cookie.Value
	}
	c, ok, required, err := s.cfg.Service.Authenticate(r.Context(), token)
	if err == nil && !required && s.cfg.Open {
		if !localHost(r.Host) {
			return c, false, httpErrorf(http.StatusForbidden, "without tokens this service goes by the name localhost")
		}
		return service.Local, true, nil
	}
	return c, ok, err
}

// page serves pages to callers who may read; others are sent to log in.
func (s *Server) page() http.Handler {
	return s.answer(func(w http.ResponseWriter, r *http.Request) error {
		c, ok, err := s.caller(r)
		if err != nil {
			return err
		}
		if !ok {
			http.Redirect(w, r, "/login", http.StatusSeeOther)
			return nil
		}
		note(w, c)
		r, done := s.whileAllowed(r, service.Read)
		defer done()
		if _, err := r.Cookie(cookieName); err == nil && c != service.Local {
			s.cfg.Pages.As(c.Name).ServeHTTP(w, r)
		} else {
			s.cfg.Pages.ServeHTTP(w, r)
		}
		return nil
	})
}

func (s *Server) loginForm(w http.ResponseWriter, r *http.Request) {
	s.cfg.Pages.Login(w, r, http.StatusOK, "")
}

// maxForm bounds the form that logs in, in bytes.
const maxForm = 4 << 10

// login puts a valid token into a cookie that no script reads and that no other
// site has sent.
func (s *Server) login(w http.ResponseWriter, r *http.Request) error {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	if err := r.ParseForm(); err != nil {
		return httpErrorf(http.StatusBadRequest, "not a form")
	}
	token := r.PostForm.Get("token")
	_, ok, _, err := s.cfg.Service.Authenticate(r.Context(), token)
	if err != nil {
		return err
	}
	if !ok {
		s.cfg.Pages.Login(w, r, http.StatusUnauthorized, "That token is not valid.")
		return nil
	}
	s.setCookie(w, token, 30*24*60*60)
	http.Redirect(w, r, "/", http.StatusSeeOther)
	return nil
}

func (s *Server) logout(w http.ResponseWriter, r *http.Request) {
	s.setCookie(w, "", -1)
	http.Redirect(w, r, "/login", http.StatusSeeOther)
}

func (s *Server) setCookie(w http.ResponseWriter, value string, seconds int) {
	http.SetCookie(w, &http.Cookie{Name: cookieName, Value: value, Path: "/", MaxAge: seconds,
		HttpOnly: true, Secure: s.cfg.TLS, SameSite: http.SameSiteStrictMode})
}
