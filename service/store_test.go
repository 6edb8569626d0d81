package service

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"qtune/schedules"
	"qtune/service/api"
)

func TestModels(t *testing.T) {
	cfg := testConfig(t.TempDir())
	cfg.MaxModel = 100 << 10
	s := openService(t, cfg)
	file := golden(t, "conv_u8_bigk")
	m, isNew, err := s.AddModel(t.Context(), "ann", "/tmp/../<b>net\x00.tflite", bytes.NewReader(file))
	if err != nil || !isNew || m.Name != "<b>net.tflite" || m.Bytes != int64(len(file)) || m.Owner != "ann" {
		t.Fatalf("%+v, new %v, %v", m, isNew, err)
	}
	if again, isNew, err := s.AddModel(t.Context(), "bob", "other", bytes.NewReader(file)); err != nil || isNew || again != m {
		t.Errorf("again: %+v, new %v, %v", again, isNew, err)
	}
	for name, c := range map[string]struct {
		r      io.Reader
		reason Reason
	}{
		"large":   {bytes.NewReader(make([]byte, cfg.MaxModel+1)), TooLarge},
		"cut":     {bytes.NewReader(file[:len(file)/2]), Invalid},
		"garbage": {strings.NewReader("<html>"), Invalid},
		"empty":   {strings.NewReader(""), Invalid},
	} {
		if _, _, err := s.AddModel(t.Context(), "ann", name, c.r); !isRefusal(err, c.reason) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, _, err := s.AddModel(t.Context(), "ann", "broken", io.MultiReader(bytes.NewReader(file[:9]), brokenReader{})); err == nil || isRefusal(err, Invalid) {
		t.Errorf("a reader that breaks off: %v", err)
	}
	files := must(os.ReadDir(filepath.Join(cfg.Dir, modelFolder)))
	if len(files) != 1 || files[0].Name() != m.Hash+".tflite" || must(files[0].Info()).Mode().Perm() != 0o600 {
		t.Errorf("files: %v", files)
	}
	if models := must(s.Models(t.Context())); len(models) != 1 || models[0] != m {
		t.Errorf("%+v", models)
	}
}

// Models are refused where all together would have too many bytes; those that are
// there are known still.
func TestModelsThatHaveNoRoom(t *testing.T) {
	cfg := testConfig(t.TempDir())
	first, second := golden(t, "conv_u8_bigk"), golden(t, "dw_s8_perch_dil2")
	cfg.MaxModels = int64(len(first) + len(second) - 1)
	s := openService(t, cfg)
	addModel(t, s, "conv_u8_bigk")
	_, _, err := s.AddModel(t.Context(), "ann", "net", bytes.NewReader(second))
	if want := fmt.Sprintf("the models have %d, at most %d are allowed", len(first), cfg.MaxModels); !isRefusal(err, Full) || !strings.Contains(err.Error(), want) {
		t.Errorf("%v, want %q", err, want)
	}
	if files := must(os.ReadDir(filepath.Join(cfg.Dir, modelFolder))); len(files) != 1 {
		t.Errorf("files: %v", files)
	}
	addModel(t, s, "conv_u8_bigk")
	if err := s.deleteOld(t.Context(), time.Now()); err != nil {
		t.Fatal(err)
	}
	addModel(t, s, "dw_s8_perch_dil2")
}

type brokenReader struct{}

func (brokenReader) Read([]byte) (int, error) { return 0, errors.New("connection reset") }

func TestRetention(t *testing.T) {
	s := openService(t, testConfig(t.TempDir()))
	m, unused := addModel(t, s, "conv_u8_bigk"), addModel(t, s, "dw_s8_perch_dil2")
	j := submit(t, s, specOf(m, 10))
	waitFor(t, s, j.ID, api.Done)
	trials := must(s.Log().Stats(t.Context())).Trials
	if err := s.deleteOld(t.Context(), j.Created); err != nil {
		t.Fatal(err)
	}
	if n := len(must(s.Models(t.Context()))); n != 1 {
		t.Errorf("%d models are left of one that is used", n)
	}
	if err := s.deleteOld(t.Context(), time.Now()); err != nil {
		t.Fatal(err)
	}
	files := must(os.ReadDir(filepath.Join(s.cfg.Dir, modelFolder)))
	if len(files) != 0 || len(must(s.Jobs(t.Context(), JobFilter{}))) != 0 || must(s.Log().Stats(t.Context())).Trials != trials {
		t.Errorf("left: %v, %+v", files, must(s.Jobs(t.Context(), JobFilter{})))
	}
	if _, err := s.Tasks(t.Context(), unused.Hash, schedules.AVX2); !isRefusal(err, NotFound) {
		t.Errorf("tasks of a model that is gone: %v", err)
	}
	if j = submit(t, s, specOf(addModel(t, s, "conv_u8_bigk"), 10)); j.ID != 2 {
		t.Errorf("the next job is %d: numbers are used again", j.ID)
	}
}

func TestTokens(t *testing.T) {
	s, err := OpenStore(t.TempDir(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if _, ok, required, err := s.Authenticate(t.Context(), ""); ok || required || err != nil {
		t.Errorf("without tokens: %v %v %v", ok, required, err)
	}
	token, err := s.AddToken(t.Context(), "ann", Submit)
	if err != nil || len(token) != len("qtune_")+64 {
		t.Fatalf("%q, %v", token, err)
	}
	if c, ok, required, err := s.Authenticate(t.Context(), token); c != (Caller{"ann", Submit}) || !ok || !required || err != nil {
		t.Errorf("%v %v %v %v", c, ok, required, err)
	}
	if _, ok, required, _ := s.Authenticate(t.Context(), token+"0"); ok || !required {
		t.Error("another token is accepted")
	}
	if _, err := s.AddToken(t.Context(), "ann", Admin); !isRefusal(err, Conflict) {
		t.Errorf("a second token: %v", err)
	}
	for _, name := range []string{"", "a/b", "x\n", "local"} {
		if _, err := s.AddToken(t.Context(), name, Read); !isRefusal(err, Invalid) {
			t.Errorf("name %q: %v", name, err)
		}
	}
	if all := must(s.Tokens(t.Context())); len(all) != 1 || strings.Contains(string(all[0].hash), token) {
		t.Errorf("%+v", all)
	}
	if err := s.Revoke(t.Context(), "ann"); err != nil {
		t.Error(err)
	}
	if _, ok, _, _ := s.Authenticate(t.Context(), token); ok {
		t.Error("a revoked token is accepted")
	}
	if err := s.Revoke(t.Context(), "ann"); !isRefusal(err, NotFound) {
		t.Errorf("revoked twice: %v", err)
	}
}

func TestOneServiceOfAStore(t *testing.T) {
	cfg := testConfig(t.TempDir())
	s := openService(t, cfg)
	if _, err := Open(cfg); err == nil || !strings.Contains(err.Error(), "another process serves this store") {
		t.Errorf("a second service: %v", err)
	}
	// What a killed process leaves among the models is removed; what is missing is told.
	m := addModel(t, s, "conv_u8_bigk")
	s.Close()
	folder := filepath.Join(cfg.Dir, modelFolder)
	for _, name := range []string{uploadPrefix + "123", strings.Repeat("0", 64) + modelSuffix} {
		if err := os.WriteFile(filepath.Join(folder, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s = openService(t, cfg)
	if files := must(os.ReadDir(folder)); len(files) != 1 {
		t.Errorf("files: %v", files)
	}
	s.Close()
	if err := os.Remove(s.modelPath(m.Hash)); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(cfg); err == nil || !strings.Contains(err.Error(), "is missing") {
		t.Errorf("a model is missing: %v", err)
	}
}
