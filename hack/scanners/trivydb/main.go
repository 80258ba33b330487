// Writes a vulnerability database for Trivy: `trivydb FILE < entries`.
//
// The entries come as one JSON list of [buckets, key, value]. Trivy's own database is fetched from the
// internet; one made here lets the real program run on a machine without it. What the buckets hold is
// schema version 2 of aquasecurity/trivy-db (pkg/db, pkg/types).
package main

import (
	"encoding/json"
	"fmt"
	"log"
	"os"

	bolt "go.etcd.io/bbolt"
)

type entry struct {
	buckets []string
	key     string
	value   json.RawMessage
}

func (e *entry) UnmarshalJSON(body []byte) error {
	var parts []json.RawMessage
	if err := json.Unmarshal(body, &parts); err != nil {
		return err
	}
	if len(parts) != 3 {
		return fmt.Errorf("entry of %d parts, want buckets, key and value", len(parts))
	}
	e.value = parts[2]
	if err := json.Unmarshal(parts[0], &e.buckets); err != nil {
		return err
	}
	return json.Unmarshal(parts[1], &e.key)
}

func main() {
	if len(os.Args) != 2 {
		log.Fatal("usage: trivydb FILE < entries")
	}
	var entries []entry
	if err := json.NewDecoder(os.Stdin).Decode(&entries); err != nil {
		log.Fatal(err)
	}
	db, err := bolt.Open(os.Args[1], 0o644, nil)
	if err != nil {
		log.Fatal(err)
	}
	defer db.Close()
	if err := db.Update(func(tx *bolt.Tx) error { return putAll(tx, entries) }); err != nil {
		log.Fatal(err)
	}
}

func putAll(tx *bolt.Tx, entries []entry) error {
	for _, e := range entries {
		bucket, err := tx.CreateBucketIfNotExists([]byte(e.buckets[0]))
		for _, name := range e.buckets[1:] {
			if err != nil {
				break
			}
			bucket, err = bucket.CreateBucketIfNotExists([]byte(name))
		}
		if err == nil {
			err = bucket.Put([]byte(e.key), e.value)
		}
		if err != nil {
			return fmt.Errorf("%v/%s: %w", e.buckets, e.key, err)
		}
	}
	return nil
}
