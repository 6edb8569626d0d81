package server

import (
	"encoding/json"
	"errors"
	"mime"
	"net/http"

	"qtune/service/api"
)

// writeJSON answers with a value.
func writeJSON(w http.ResponseWriter, status int, v any) error {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	enc := json.NewEncoder(w) // < and > of foreign names are escaped
	return enc.Encode(v)
}

// writeError answers with why not.
func writeError(w http.ResponseWriter, status int, text string) {
	_ = writeJSON(w, status, api.Error{Error: text}) // the client has gone, then
}

// readJSON reads a request's body into v.
func readJSON(r *http.Request, v any) error {
	if err := checkType(r, "application/json"); err != nil {
		return err
	}
	err := api.Decode(r.Body, v)
	switch {
	case err == nil || errors.Is(err, errSlow) || isBroken(err):
		return err
	case errors.Is(err, api.ErrTooLarge):
		return httpErrorf(http.StatusRequestEntityTooLarge, "%v", err)
	}
	return httpErrorf(http.StatusBadRequest, "%v", err)
}

// checkType refuses bodies of another type, among them those that a form of a
// browser can send.
func checkType(r *http.Request, want string) error {
	if got, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || got != want {
		return httpErrorf(http.StatusUnsupportedMediaType, "the Content-Type must be %s", want)
	}
	return nil
}
