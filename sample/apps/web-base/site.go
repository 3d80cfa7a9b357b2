package main

import (
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"os"
	"path"
	"strings"
	"sync/atomic"
	"time"
)

const indexPage = "index.html"

// site is one directory on the web, with the probes of the pod that serves it.
type site struct {
	files    fs.FS
	log      *slog.Logger
	draining atomic.Bool
}

// newSite does not require root to exist: a container without content must come up
// unready, which a probe can report, rather than crash.
func newSite(root string, log *slog.Logger) *site {
	return &site{files: os.DirFS(root), log: log}
}

func (s *site) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", s.healthz)
	mux.HandleFunc("GET /readyz", s.readyz)
	mux.Handle("GET /", http.FileServerFS(published{s.files}))
	return s.accessLog(secure(mux))
}

func (s *site) healthz(w http.ResponseWriter, _ *http.Request) {
	answer(w, http.StatusOK, "ok")
}

func (s *site) readyz(w http.ResponseWriter, _ *http.Request) {
	switch {
	case s.draining.Load():
		answer(w, http.StatusServiceUnavailable, "draining")
	case !readable(s.files, indexPage):
		answer(w, http.StatusServiceUnavailable, indexPage+" cannot be read")
	default:
		answer(w, http.StatusOK, "ok")
	}
}

func answer(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	io.WriteString(w, text)
}

// readable reads rather than stats: a file with the wrong mode has a perfectly good stat.
func readable(files fs.FS, name string) bool {
	file, err := files.Open(name)
	if err != nil {
		return false
	}
	defer file.Close()
	_, err = file.Read(make([]byte, 1))
	return err == nil || errors.Is(err, io.EOF)
}

// published narrows a file system to what a site means to publish: no dot files,
// and no directory without an index, which http.FileServer would list.
type published struct{ fs.FS }

func (p published) Open(name string) (fs.File, error) {
	if hidden(name) {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	file, err := p.FS.Open(name)
	if err != nil {
		return nil, err
	}
	info, err := file.Stat()
	if err == nil && info.IsDir() {
		_, err = fs.Stat(p.FS, path.Join(name, indexPage))
	}
	if err != nil {
		file.Close()
		return nil, err
	}
	return file, nil
}

func hidden(name string) bool {
	for part := range strings.SplitSeq(name, "/") {
		if strings.HasPrefix(part, ".") && part != "." && part != ".well-known" {
			return true
		}
	}
	return false
}

func secure(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		header := w.Header()
		header.Set("Content-Security-Policy",
			"default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; object-src 'none'")
		header.Set("Cross-Origin-Opener-Policy", "same-origin")
		header.Set("Referrer-Policy", "no-referrer")
		header.Set("X-Content-Type-Options", "nosniff")
		header.Set("X-Frame-Options", "DENY")
		// File names carry no hash, so a cached copy could outlive its release.
		header.Set("Cache-Control", "no-cache")
		next.ServeHTTP(w, r)
	})
}

func (s *site) accessLog(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start := time.Now()
		record := &recorder{ResponseWriter: w, status: http.StatusOK}
		next.ServeHTTP(record, r)

		// A probe a second would bury the requests of people.
		level := slog.LevelInfo
		if probe := r.URL.Path == "/healthz" || r.URL.Path == "/readyz"; probe && record.status == http.StatusOK {
			level = slog.LevelDebug
		}
		// The query is left out: it may hold what no log should keep.
		s.log.LogAttrs(r.Context(), level, "request",
			slog.String("method", r.Method),
			slog.String("path", r.URL.Path),
			slog.Int("status", record.status),
			slog.Int64("bytes", record.bytes),
			slog.Float64("seconds", time.Since(start).Seconds()),
			slog.String("remote", r.RemoteAddr),
			slog.String("agent", r.UserAgent()),
		)
	})
}

type recorder struct {
	http.ResponseWriter
	status int
	bytes  int64
}

func (r *recorder) WriteHeader(status int) {
	r.status = status
	r.ResponseWriter.WriteHeader(status)
}

func (r *recorder) Write(p []byte) (int, error) {
	n, err := r.ResponseWriter.Write(p)
	r.bytes += int64(n)
	return n, err
}

func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }
