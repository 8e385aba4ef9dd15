package redistest

import (
	"strings"
	"testing"
)

func TestAServerThatDoesNotStartSaysWhy(t *testing.T) {
	NewServer(t) // or the test is skipped
	_, err := StartServer("--maxmemory", "plenty")
	if err == nil || !strings.Contains(err.Error(), "maxmemory") {
		t.Errorf("it names the option: %v", err)
	}
}
