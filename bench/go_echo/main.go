// A webhook that does nothing, with Go's own HTTP server: `go_echo CERTIFICATE KEY`.
//
// It reads the body and answers a constant, as echo.py does.
package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
)

const answer = `{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","response":{"uid":` +
	`"00000000-0000-0000-0000-000000000000","allowed":true}}`

func main() {
	http.HandleFunc("/admit", func(w http.ResponseWriter, r *http.Request) {
		if _, err := io.ReadAll(r.Body); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		w.Header().Set("content-type", "application/json")
		_, _ = io.WriteString(w, answer)
	})
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Printf("{\"part\":\"go echo\",\"url\":\"https://%s\"}\n", listener.Addr())
	server := &http.Server{TLSNextProto: nil}
	if err := server.ServeTLS(listener, os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
