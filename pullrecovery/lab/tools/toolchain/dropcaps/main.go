// Command dropcaps is an OCI runtime in front of runc, for machines whose
// capability bounding set is not full: there runc refuses every privileged
// container, because the engine asks for capabilities that cannot be had. It
// removes those from the container's process and hands over to runc.
//
// The real runtime is named by DROPCAPS_RUNTIME, runc on PATH without it.
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
)

func main() {
	if err := handOver(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "dropcaps:", err)
		os.Exit(1)
	}
}

func handOver(args []string) error {
	if file, pointer := specToEdit(args); file != "" {
		bounding, err := boundingSet()
		if err != nil {
			return err
		}
		if err := editFile(file, pointer, bounding); err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
	}
	name := os.Getenv("DROPCAPS_RUNTIME")
	if name == "" {
		name = "runc"
	}
	runtime, err := exec.LookPath(name)
	if err != nil {
		return err
	}
	return syscall.Exec(runtime, append([]string{runtime}, args...), os.Environ())
}

// specToEdit tells which JSON file holds the capabilities for this call, and
// the key its process stands under ("" where the file is the process itself).
func specToEdit(args []string) (file, pointer string) {
	for at, arg := range args {
		switch arg {
		case "create", "run", "restore":
			bundle := option(args[at+1:], "--bundle", "-b")
			if bundle == "" {
				bundle = "."
			}
			return filepath.Join(bundle, "config.json"), "process"
		case "exec":
			return option(args[at+1:], "--process", "-p"), ""
		}
	}
	return "", ""
}

func option(args []string, long, short string) string {
	for at, arg := range args {
		if (arg == long || arg == short) && at+1 < len(args) {
			return args[at+1]
		}
		if value, found := strings.CutPrefix(arg, long+"="); found {
			return value
		}
	}
	return ""
}

func editFile(file, pointer string, bounding map[string]bool) error {
	raw, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	edited, err := dropMissing(raw, pointer, bounding)
	if err != nil {
		return err
	}
	return os.WriteFile(file, edited, 0o600)
}

// dropMissing returns the spec with every capability outside the bounding set
// removed; all else in it is kept, unknown keys and large numbers too.
func dropMissing(raw []byte, pointer string, bounding map[string]bool) ([]byte, error) {
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()
	var spec map[string]any
	if err := decoder.Decode(&spec); err != nil {
		return nil, err
	}
	process := spec
	if pointer != "" {
		process, _ = spec[pointer].(map[string]any)
	}
	sets, _ := process["capabilities"].(map[string]any)
	for name, value := range sets {
		wanted, _ := value.([]any)
		kept := make([]any, 0, len(wanted))
		for _, capability := range wanted {
			if text, _ := capability.(string); bounding[text] {
				kept = append(kept, capability)
			}
		}
		sets[name] = kept
	}
	return json.Marshal(spec)
}
