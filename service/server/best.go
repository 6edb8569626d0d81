package server

import (
	"io"
	"net/http"

	"qtune/logs"
	"qtune/schedules"
	"qtune/service"
	"qtune/service/api"
)

// linesType is the type of exports: JSON lines.
const linesType = "application/jsonl"

// maxLog bounds an uploaded log, in bytes.
const maxLog = 256 << 20

// maxMachine bounds the text of a machine, as schedules.ParseMachine does.
const maxMachine = 256

// slice reads the parameters that name a part of the log.
func slice(r *http.Request, names ...string) (s logs.Slice, err error) {
	q, err := parameters(r, names...)
	if err != nil {
		return s, err
	}
	if text := q["workload"]; text != "" {
		if s.Workload, err = schedules.ParseWorkload(text); err != nil {
			return s, httpErrorf(http.StatusBadRequest, "workload: %v", err)
		}
	}
	if text := q["target"]; text != "" {
		if s.ISA, err = schedules.ParseISA(text); err != nil {
			return s, httpErrorf(http.StatusBadRequest, "target: %v", err)
		}
	}
	if s.Machine = q["machine"]; len(s.Machine) > maxMachine {
		return s, httpErrorf(http.StatusBadRequest, "machine: more than %d bytes", maxMachine)
	}
	return s, nil
}

// getModelBest answers with what decides the schedules of a model: an export.
func (s *Server) getModelBest(w http.ResponseWriter, r *http.Request, _ service.Caller) error {
	part, err := slice(r, "target", "machine")
	if err != nil {
		return err
	}
	isas := s.cfg.Service.Config().ISAs
	if part.ISA == "" {
		part.ISA = isas[0]
	}
	if part.ISA == schedules.Ref {
		return httpErrorf(http.StatusBadRequest, "target: ref has no schedules")
	}
	tasks, err := s.cfg.Service.Tasks(r.Context(), r.PathValue("hash"), part.ISA)
	if err != nil {
		return err
	}
	var workloads []schedules.Workload
	for _, t := range tasks {
		workloads = append(workloads, t.Workload)
	}
	w.Header().Set("Content-Type", linesType)
	return s.cfg.Service.Log().ExportBestOf(r.Context(), w, workloads, part.ISA, part.Machine)
}

// getBest is getModelBest for one workload.
func (s *Server) getBest(w http.ResponseWriter, r *http.Request, _ service.Caller) error {
	part, err := slice(r, "workload", "target", "machine")
	if err != nil {
		return err
	}
	if part.Workload == (schedules.Workload{}) {
		return httpErrorf(http.StatusBadRequest, "workload: which?")
	}
	w.Header().Set("Content-Type", linesType)
	return s.cfg.Service.Log().ExportBestOf(r.Context(), w, []schedules.Workload{part.Workload}, part.ISA, part.Machine)
}

// getLog answers with a part of the log: an export.
func (s *Server) getLog(w http.ResponseWriter, r *http.Request, _ service.Caller) error {
	part, err := slice(r, "workload", "target", "machine")
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", linesType)
	return s.cfg.Service.Log().ExportSlice(r.Context(), w, part)
}

// postLog adds what an export of another log holds.
func (s *Server) postLog(w http.ResponseWriter, r *http.Request, _ service.Caller) error {
	if err := checkType(r, linesType); err != nil {
		return err
	}
	if r.ContentLength > maxLog {
		return httpErrorf(http.StatusRequestEntityTooLarge, "a log of %d bytes, at most %d are allowed", r.ContentLength, maxLog)
	}
	leave, err := enter(s.uploads, "uploads")
	if err != nil {
		return err
	}
	defer leave()
	stats, err := s.cfg.Service.Merge(r.Context(), io.Reader(http.MaxBytesReader(w, r.Body, maxLog)))
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, api.Merged{Added: stats.Added, Known: stats.Known, Skipped: stats.Bad, Cut: stats.Cut, Notes: stats.Notes})
}
