package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

// webRoot writes the named files, each with its own name as content.
func webRoot(t *testing.T, names ...string) string {
	t.Helper()
	root := t.TempDir()
	for _, name := range names {
		file := filepath.Join(root, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(name), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

func request(h http.Handler, method, target string) *httptest.ResponseRecorder {
	response := httptest.NewRecorder()
	h.ServeHTTP(response, httptest.NewRequest(method, target, nil))
	return response
}

func TestFiles(t *testing.T) {
	root := webRoot(t, "index.html", "version.json", "api/status.json", "docs/index.html", ".env", ".well-known/security.txt")
	h := newSite(root, quiet()).handler()

	for _, tt := range []struct {
		name, method, path string
		status             int
		body               string
	}{
		{"root", "GET", "/", 200, "index.html"},
		{"file", "GET", "/version.json", 200, "version.json"},
		{"nested file", "GET", "/api/status.json", 200, "api/status.json"},
		{"directory with an index", "GET", "/docs/", 200, "docs/index.html"},
		{"well-known file", "GET", "/.well-known/security.txt", 200, ".well-known/security.txt"},
		{"head has no body", "HEAD", "/", 200, ""},
		{"directory without an index", "GET", "/api/", 404, "404 page not found\n"},
		{"missing", "GET", "/nowhere", 404, "404 page not found\n"},
		{"dot file", "GET", "/.env", 404, "404 page not found\n"},
		{"write", "POST", "/", 405, "Method Not Allowed\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			response := request(h, tt.method, tt.path)
			body := response.Body.String()
			if tt.method == "HEAD" {
				body = ""
			}
			if response.Code != tt.status || body != tt.body {
				t.Errorf("%s %s = %d %q, want %d %q", tt.method, tt.path, response.Code, body, tt.status, tt.body)
			}
		})
	}
}

func TestPathCannotLeaveTheRoot(t *testing.T) {
	parent := webRoot(t, "secret.txt", "www/index.html")
	h := newSite(filepath.Join(parent, "www"), quiet()).handler()

	for _, target := range []string{"/../secret.txt", "/%2e%2e/secret.txt", "/..%2fsecret.txt"} {
		if response := request(h, "GET", target); strings.Contains(response.Body.String(), "secret.txt") && response.Code == 200 {
			t.Errorf("GET %s served a file outside the root", target)
		}
	}
}

func TestProbes(t *testing.T) {
	for _, tt := range []struct {
		name     string
		root     string
		draining bool
		ready    int
	}{
		{"index can be read", webRoot(t, "index.html"), false, 200},
		{"index is missing", webRoot(t, "other.html"), false, 503},
		{"index is a directory", webRoot(t, "index.html/page.html"), false, 503},
		{"root is missing", filepath.Join(t.TempDir(), "none"), false, 503},
		{"draining", webRoot(t, "index.html"), true, 503},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newSite(tt.root, quiet())
			s.draining.Store(tt.draining)
			if got := request(s.handler(), "GET", "/readyz").Code; got != tt.ready {
				t.Errorf("/readyz = %d, want %d", got, tt.ready)
			}
			live := request(s.handler(), "GET", "/healthz")
			if live.Code != 200 || live.Body.String() != "ok" {
				t.Errorf("/healthz = %d %q, want 200 ok", live.Code, live.Body.String())
			}
		})
	}
}

func TestSecurityHeadersOnEveryAnswer(t *testing.T) {
	h := newSite(webRoot(t, "index.html"), quiet()).handler()

	for _, target := range []string{"/", "/nowhere", "/healthz"} {
		header := request(h, "GET", target).Header()
		for _, name := range []string{"X-Content-Type-Options", "X-Frame-Options", "Content-Security-Policy", "Referrer-Policy"} {
			if header.Get(name) == "" {
				t.Errorf("GET %s: no %s", target, name)
			}
		}
	}
}

func TestAccessLog(t *testing.T) {
	var out bytes.Buffer
	h := newSite(webRoot(t, "index.html"), slog.New(slog.NewJSONHandler(&out, nil))).handler()

	request(h, "GET", "/healthz")
	request(h, "GET", "/?token=hunter2")
	request(h, "GET", "/nowhere")

	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	if len(lines) != 2 {
		t.Fatalf("want one line a request and none for a passing probe, got %q", lines)
	}
	for i, want := range []struct {
		path   string
		status float64
	}{{"/", 200}, {"/nowhere", 404}} {
		var entry map[string]any
		if err := json.Unmarshal([]byte(lines[i]), &entry); err != nil {
			t.Fatal(err)
		}
		if entry["path"] != want.path || entry["status"] != want.status || entry["method"] != "GET" {
			t.Errorf("line %d = %s, want GET %s %v", i, lines[i], want.path, want.status)
		}
	}
	if strings.Contains(out.String(), "hunter2") {
		t.Error("the query reached the log")
	}
}

func TestFailingProbeIsLogged(t *testing.T) {
	var out bytes.Buffer
	h := newSite(t.TempDir(), slog.New(slog.NewJSONHandler(&out, nil))).handler()

	request(h, "GET", "/readyz")

	if !strings.Contains(out.String(), `"status":503`) {
		t.Errorf("log = %q, want the failed probe in it", out.String())
	}
}

func TestParseConfig(t *testing.T) {
	env := map[string]string{"LISTEN": ":9000", "WEB_ROOT": "/from/env"}
	lookup := func(key string) string { return env[key] }
	none := func(string) string { return "" }

	for _, tt := range []struct {
		name   string
		args   []string
		getenv func(string) string
		want   config
	}{
		{"defaults", nil, none, config{":8080", "/srv/www"}},
		{"environment", nil, lookup, config{":9000", "/from/env"}},
		{"flags win", []string{"-listen", ":1", "-root", "/flag"}, lookup, config{":1", "/flag"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := parseConfig(tt.args, tt.getenv)
			if err != nil || got != tt.want {
				t.Errorf("got %+v, %v; want %+v", got, err, tt.want)
			}
		})
	}
	if _, err := parseConfig([]string{"stray"}, none); err == nil {
		t.Error("a stray argument was accepted")
	}
}

func TestShutdownDrainsFirst(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	s := newSite(webRoot(t, "index.html"), quiet())
	done := make(chan error, 1)
	go func() { done <- serve(ctx, listener, s, quiet(), time.Second) }()

	url := "http://" + listener.Addr().String()
	status := func(path string) int {
		t.Helper()
		response, err := http.Get(url + path)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		io.Copy(io.Discard, response.Body)
		return response.StatusCode
	}
	if got := status("/readyz"); got != 200 {
		t.Fatalf("/readyz = %d before shutdown, want 200", got)
	}

	cancel()
	for !s.draining.Load() {
		time.Sleep(time.Millisecond)
	}
	if got := status("/readyz"); got != 503 {
		t.Errorf("/readyz = %d while draining, want 503", got)
	}
	if got := status("/"); got != 200 {
		t.Errorf("/ = %d while draining, want 200", got)
	}

	select {
	case err := <-done:
		if err != nil {
			t.Errorf("serve = %v, want a clean stop", err)
		}
	case <-time.After(5 * time.Second):
		t.Fatal("serve did not stop")
	}
	if _, err := http.Get(url + "/"); err == nil {
		t.Error("still answering after shutdown")
	}
}
