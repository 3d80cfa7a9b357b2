// Command web-base serves a directory of static files over HTTP. It is the base
// image of every web image in this repository: an app adds its files, nothing else.
package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"
)

const (
	// Endpoints are withdrawn while the process already has its SIGTERM, so new
	// connections still arrive for a moment. Together the two must stay below the
	// charts' terminationGracePeriodSeconds.
	drainDelay      = 1 * time.Second
	shutdownTimeout = 3 * time.Second
)

type config struct {
	listen string
	root   string
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()

	if err := run(ctx, os.Args[1:], os.Getenv, os.Stdout); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "web-base:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, getenv func(string) string, stdout io.Writer) error {
	cfg, err := parseConfig(args, getenv)
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", cfg.listen)
	if err != nil {
		return err
	}
	log := slog.New(slog.NewJSONHandler(stdout, nil))
	log.Info("listening", "address", listener.Addr().String(), "root", cfg.root)
	return serve(ctx, listener, newSite(cfg.root, log), log, drainDelay)
}

func parseConfig(args []string, getenv func(string) string) (config, error) {
	var cfg config
	flags := flag.NewFlagSet("web-base", flag.ContinueOnError)
	flags.StringVar(&cfg.listen, "listen", cmp.Or(getenv("LISTEN"), ":8080"), "address to listen on (env LISTEN)")
	flags.StringVar(&cfg.root, "root", cmp.Or(getenv("WEB_ROOT"), "/srv/www"), "directory to serve (env WEB_ROOT)")
	if err := flags.Parse(args); err != nil {
		return config{}, err
	}
	if flags.NArg() > 0 {
		return config{}, fmt.Errorf("unexpected argument %q", flags.Arg(0))
	}
	return cfg, nil
}

// serve answers requests until ctx is done, then lets those in flight finish.
func serve(ctx context.Context, listener net.Listener, s *site, log *slog.Logger, drain time.Duration) error {
	server := &http.Server{
		Handler:           s.handler(),
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
		WriteTimeout:      30 * time.Second,
		IdleTimeout:       60 * time.Second,
		MaxHeaderBytes:    16 << 10,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelWarn),
	}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()

	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}

	log.Info("draining", "delay", drain.String())
	s.draining.Store(true)
	select {
	case err := <-failed:
		return err
	case <-time.After(drain):
	}

	deadline, cancel := context.WithTimeout(context.Background(), shutdownTimeout)
	defer cancel()
	if err := server.Shutdown(deadline); err != nil {
		return fmt.Errorf("shutdown: %w", err)
	}
	log.Info("stopped")
	return nil
}
