package web

import (
	"context"
	"net/http"
	"slices"
)

// public are the files that the page to log in needs.
var public = []string{"/style.css", "/icon.svg"}

// Public returns the paths of what must be served to those who have not logged in.
func (h *Handler) Public() []string { return slices.Clone(public) }

// Login answers with the page that asks for a token and posts it to /login, as the
// field token. fault says what was wrong with the one before; it may be empty.
func (h *Handler) Login(w http.ResponseWriter, r *http.Request, status int, fault string) {
	secure(w.Header())
	h.write(w, r, status, content{title: "Log in", template: "login", data: fault}, page{})
}

// userKey is the key of a request's user.
type userKey struct{}

// As returns the pages for a user who has logged in, and who is offered to log out,
// which posts to /logout.
func (h *Handler) As(name string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), userKey{}, name)))
	})
}

// user returns who has logged in; empty: nobody has to.
func user(r *http.Request) string {
	name, _ := r.Context().Value(userKey{}).(string)
	return name
}
