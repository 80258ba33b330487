// Writes documents in the standards' own libraries from a report of Trivy: `documents vulns|openvex REPORT`.
//
// No scanner here writes the in-toto vulns predicate, and vexctl cannot be had from every mirror; these
// are made by the code that such tools are made of: in-toto/attestation's bindings, and go-vex, with
// which vexctl writes.
package main

import (
	"encoding/json"
	"fmt"
	"log"
	"os"
	"time"

	vulns "github.com/in-toto/attestation/go/predicates/vulns/v02"
	statement "github.com/in-toto/attestation/go/v1"
	"github.com/openvex/go-vex/pkg/vex"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/structpb"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// report is what is read of Trivy's JSON.
type report struct {
	Trivy    struct{ Version string }
	Metadata struct{ ImageID string }
	Results  []struct {
		Vulnerabilities []struct {
			VulnerabilityID string
			Severity        string
			PkgIdentifier   struct{ PURL string }
		}
	}
}

// Of the demo: fixed, so that two runs differ in nothing.
var scannedAt = time.Date(2026, 11, 23, 8, 0, 0, 0, time.UTC)

func main() {
	if len(os.Args) != 4 {
		log.Fatal("usage: documents vulns|openvex REPORT SHA256")
	}
	body, err := os.ReadFile(os.Args[2])
	if err != nil {
		log.Fatal(err)
	}
	var read report
	if err := json.Unmarshal(body, &read); err != nil {
		log.Fatal(err)
	}
	write := map[string]func(report, string) error{"vulns": writeVulns, "openvex": writeOpenVEX}[os.Args[1]]
	if write == nil {
		log.Fatalf("%q: want vulns or openvex", os.Args[1])
	}
	if err := write(read, os.Args[3]); err != nil {
		log.Fatal(err)
	}
}

func writeVulns(read report, sha256 string) error {
	predicate := &vulns.Vulns{
		Scanner: &vulns.Scanner{
			Uri:     "https://github.com/aquasecurity/trivy",
			Version: &read.Trivy.Version,
			Db:      &vulns.VulnDatabase{Version: proto.String("2"), LastUpdate: timestamppb.New(scannedAt.Add(-time.Hour))},
		},
		Metadata: &vulns.ScanMetadata{
			ScanStartedOn:  timestamppb.New(scannedAt.Add(-time.Minute)),
			ScanFinishedOn: timestamppb.New(scannedAt),
		},
	}
	for _, result := range read.Results {
		for _, found := range result.Vulnerabilities {
			predicate.Scanner.Result = append(predicate.Scanner.Result, &vulns.Result{
				Id:       found.VulnerabilityID,
				Severity: []*vulns.Result_Severity{{Method: "nvd", Score: found.Severity}},
			})
		}
	}
	text, err := protojson.Marshal(predicate)
	if err != nil {
		return err
	}
	fields := new(structpb.Struct)
	if err := protojson.Unmarshal(text, fields); err != nil {
		return err
	}
	whole := &statement.Statement{
		Type:          statement.StatementTypeUri,
		Subject:       []*statement.ResourceDescriptor{{Name: "demo/app", Digest: map[string]string{"sha256": sha256}}},
		PredicateType: "https://in-toto.io/attestation/vulns/v0.2",
		Predicate:     fields,
	}
	if err := whole.Validate(); err != nil {
		return err
	}
	text, err = protojson.MarshalOptions{Indent: " "}.Marshal(whole)
	if err != nil {
		return err
	}
	fmt.Println(string(text))
	return nil
}

// writeOpenVEX says something different of each finding, in turn: every status, and about the image
// with the package in it as well as about the package alone.
func writeOpenVEX(read report, sha256 string) error {
	document := vex.New()
	document.Author = "Example Inc"
	document.AuthorRole = "Document Creator"
	document.Timestamp = &scannedAt
	image := "pkg:oci/app@sha256%3A" + sha256
	number := 0
	for _, result := range read.Results {
		for _, found := range result.Vulnerabilities {
			said := vex.Statement{
				Vulnerability: vex.Vulnerability{Name: vex.VulnerabilityID(found.VulnerabilityID)},
				Timestamp:     &scannedAt,
			}
			part := vex.Component{ID: found.PkgIdentifier.PURL}
			switch number % 4 {
			case 0:
				said.Status = vex.StatusNotAffected
				said.Justification = vex.VulnerableCodeNotInExecutePath
			case 1:
				said.Status = vex.StatusNotAffected
				said.ImpactStatement = "The affected function is compiled out."
			case 2:
				said.Status = vex.StatusFixed
			case 3:
				said.Status = vex.StatusUnderInvestigation
			}
			said.Products = []vex.Product{{Component: part}}
			if number%2 == 0 {
				said.Products = []vex.Product{{
					Component:     vex.Component{ID: image},
					Subcomponents: []vex.Subcomponent{{Component: part}},
				}}
			}
			if err := said.Validate(); err != nil {
				return fmt.Errorf("%s: %w", found.VulnerabilityID, err)
			}
			document.Statements = append(document.Statements, said)
			number++
		}
	}
	if _, err := document.GenerateCanonicalID(); err != nil {
		return err
	}
	return document.ToJSON(os.Stdout)
}
