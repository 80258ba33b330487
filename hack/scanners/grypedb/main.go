// Builds a vulnerability database for Grype: `grypedb DATABASE_DIR PROVIDER_DIR…`.
//
// A provider's folder holds `results/` and `provider.json` with its name and the schema of the results,
// in the forms of anchore/vunnel. The listing with checksums that Grype wants is made here; the database
// is built from it by Grype's own code.
package main

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"log"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/OneOfOne/xxhash"

	"github.com/anchore/grype/grype/db"
	"github.com/anchore/grype/grype/db/provider"
)

type description struct {
	Provider  string          `json:"provider"`
	Version   int             `json:"version"`
	Timestamp time.Time       `json:"timestamp"`
	Schema    provider.Schema `json:"schema"`
}

func main() {
	if len(os.Args) < 3 {
		log.Fatal("usage: grypedb DATABASE_DIR PROVIDER_DIR…")
	}
	var states provider.States
	var newest time.Time
	for _, folder := range os.Args[2:] {
		state, err := readProvider(folder)
		if err != nil {
			log.Fatalf("%s: %v", folder, err)
		}
		if state.Timestamp.After(newest) {
			newest = state.Timestamp
		}
		states = append(states, *state)
	}
	err := db.Build(db.BuildConfig{
		SchemaVersion:      6,
		Directory:          os.Args[1],
		States:             states,
		Timestamp:          newest,
		Hydrate:            true,
		BatchSize:          100,
		SQLiteCacheSizeKiB: 16384,
	})
	if err != nil {
		log.Fatal(err)
	}
}

func readProvider(folder string) (*provider.State, error) {
	body, err := os.ReadFile(filepath.Join(folder, "provider.json"))
	if err != nil {
		return nil, err
	}
	var described description
	if err := json.Unmarshal(body, &described); err != nil {
		return nil, err
	}
	listing, err := listResults(folder)
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(filepath.Join(folder, "checksums"), listing, 0o644); err != nil {
		return nil, err
	}
	state, err := json.Marshal(provider.State{
		Provider:            described.Provider,
		Version:             described.Version,
		DistributionVersion: 1,
		Processor:           "tidegate",
		Schema:              described.Schema,
		Timestamp:           described.Timestamp,
		Listing:             &provider.File{Path: "checksums", Algorithm: "xxh64", Digest: sum(listing)},
		Store:               "flat-file",
	})
	if err != nil {
		return nil, err
	}
	metadata := filepath.Join(folder, "metadata.json")
	if err := os.WriteFile(metadata, state, 0o644); err != nil {
		return nil, err
	}
	return provider.ReadState(metadata)
}

func listResults(folder string) ([]byte, error) {
	var lines strings.Builder
	err := filepath.WalkDir(filepath.Join(folder, "results"), func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		body, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		name, err := filepath.Rel(folder, path)
		fmt.Fprintf(&lines, "%s  %s\n", sum(body), name)
		return err
	})
	return []byte(lines.String()), err
}

func sum(body []byte) string {
	return fmt.Sprintf("%x", xxhash.Checksum64(body))
}
