package server

import (
	"net/http"

	"qtune/service"
	"qtune/service/api"
)

// postModel takes a model's file as the body. Its name for people is parameter
// name.
func (s *Server) postModel(w http.ResponseWriter, r *http.Request, c service.Caller) error {
	if err := checkType(r, "application/octet-stream"); err != nil {
		return err
	}
	q, err := parameters(r, "name")
	if err != nil {
		return err
	}
	if limit := s.cfg.Service.Config().MaxModel; r.ContentLength > limit {
		return httpErrorf(http.StatusRequestEntityTooLarge, "a model of %d bytes, at most %d are allowed", r.ContentLength, limit)
	}
	leave, err := enter(s.uploads, "uploads")
	if err != nil {
		return err
	}
	defer leave()
	m, isNew, err := s.cfg.Service.AddModel(r.Context(), c.Name, q["name"], r.Body)
	if err != nil {
		return err
	}
	status := http.StatusOK
	if isNew {
		status = http.StatusCreated
	}
	return writeJSON(w, status, m)
}

func (s *Server) getModels(w http.ResponseWriter, r *http.Request, _ service.Caller) error {
	models, err := s.cfg.Service.Models(r.Context())
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, api.Models{Models: models})
}

func (s *Server) getModel(w http.ResponseWriter, r *http.Request, _ service.Caller) error {
	m, err := s.cfg.Service.Model(r.Context(), r.PathValue("hash"))
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, m)
}
