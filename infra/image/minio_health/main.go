// The health check of MinIO's container: exit code 0 if the server of this container answers.
package main

import (
	"net/http"
	"os"
	"time"
)

func main() {
	client := http.Client{Timeout: 8 * time.Second}
	answer, err := client.Get("http://127.0.0.1:9000/minio/health/live")
	if err != nil || answer.StatusCode != http.StatusOK {
		os.Stderr.WriteString("MinIO does not answer.\n")
		os.Exit(1)
	}
}
