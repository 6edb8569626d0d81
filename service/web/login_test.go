package web

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"qtune/service/views/viewstest"
)

// The page to log in is one of the pages, and all that it needs is public.
func TestLogin(t *testing.T) {
	h := newHandler(newFake(t))
	w := httptest.NewRecorder()
	h.Login(w, httptest.NewRequest("GET", "/login", nil), http.StatusUnauthorized, viewstest.Hostile)
	text := w.Body.String()
	if w.Code != http.StatusUnauthorized || w.Header().Get("Content-Security-Policy") != policy || !strings.Contains(html.UnescapeString(text), viewstest.Hostile) {
		t.Errorf("status %d, header %v: %s", w.Code, w.Header(), text)
	}
	for _, link := range checkPage(t, "/login", text, "") {
		if !slices.Contains(h.Public(), link) {
			t.Errorf("it needs %s", link)
		}
	}
	for _, path := range h.Public() {
		if w := get(h, "GET", path); w.Code != http.StatusOK {
			t.Errorf("%s: status %d", path, w.Code)
		}
	}
	const form = `action="/logout" method="post"`
	if text := get(h, "GET", "/workers").Body.String(); strings.Contains(text, form) {
		t.Error("somebody is offered to log out who has not logged in")
	}
	text = get(h.As(viewstest.Hostile), "GET", "/nowhere").Body.String()
	if !strings.Contains(text, form) || !strings.Contains(html.UnescapeString(text), viewstest.Hostile) {
		t.Errorf("who has logged in: %s", text)
	}
	checkPage(t, "/nowhere", text, "")
}
