package main

import (
	"strings"
	"testing"
)

func TestOnlyMissingCapabilitiesAreDropped(t *testing.T) {
	spec := `{"process":{"capabilities":{"bounding":["CAP_CHOWN","CAP_SYS_RESOURCE"]},"big":18446744073709551615},"x":1}`
	edited, err := dropMissing([]byte(spec), "process", map[string]bool{"CAP_CHOWN": true})
	if err != nil {
		t.Fatal(err)
	}
	for _, kept := range []string{"CAP_CHOWN", "18446744073709551615", `"x":1`} {
		if !strings.Contains(string(edited), kept) {
			t.Errorf("got %s, want it to keep %s", edited, kept)
		}
	}
	if strings.Contains(string(edited), "CAP_SYS_RESOURCE") {
		t.Errorf("got %s, want CAP_SYS_RESOURCE gone", edited)
	}
}

func TestTheSpecIsFoundForEveryCallThatStartsAProcess(t *testing.T) {
	for _, row := range []struct{ args, file, pointer string }{
		{"--root /r create --bundle /b id", "/b/config.json", "process"},
		{"--log /l run -b /b id", "/b/config.json", "process"},
		{"exec --process /p.json id", "/p.json", ""},
		{"exec --process=/p.json id", "/p.json", ""},
		{"state id", "", ""},
		{"delete --force id", "", ""},
	} {
		file, pointer := specToEdit(strings.Fields(row.args))
		if file != row.file || pointer != row.pointer {
			t.Errorf("%s: got %q %q, want %q %q", row.args, file, pointer, row.file, row.pointer)
		}
	}
}

func TestTheBoundingSetIsReadBitByBit(t *testing.T) {
	names, err := namesOf("000001fffeffffff")
	if err != nil {
		t.Fatal(err)
	}
	if names["CAP_SYS_RESOURCE"] || !names["CAP_SYS_ADMIN"] || !names["CAP_CHECKPOINT_RESTORE"] {
		t.Errorf("got %v", names)
	}
}
