package redisbridge_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"hustings/redisbridge"
)

// BenchmarkPipeline measures one pipeline through the seam, from Do to its callback, with a
// lone script call and with as many as wait under load, beside the same pipeline on bare
// go-redis in the same run.
func BenchmarkPipeline(b *testing.B) {
	for _, n := range []int{1, 256} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			r := newScriptRig(b)
			backend, err := redisbridge.NewBackend(redisbridge.BackendConfig{
				Redis: redis.UniversalOptions{Addrs: []string{r.client.Options().Addr}},
			})
			r.must(b, err)
			b.Cleanup(backend.Close)
			type opened struct {
				conn redisbridge.Conn
				err  error
			}
			connected := make(chan opened, 1)
			backend.Connect(func(c redisbridge.Conn, err error) { connected <- opened{c, err} })
			link := <-connected
			r.must(b, link.err)

			words := []string{"ipc", "e", r.id(1)}
			cmds := make([]redisbridge.Command, n)
			for i := range cmds {
				cmds[i] = redisbridge.Command{Script: redisbridge.PeerScript, Args: words}
			}
			done := make(chan error, 1)
			var ours, bare time.Duration
			for b.Loop() {
				at := time.Now()
				link.conn.Do(cmds, func(_ []redisbridge.Reply, err error) { done <- err })
				r.must(b, <-done)
				ours += time.Since(at)

				at = time.Now()
				pipe := r.client.Pipeline()
				for range cmds {
					pipe.EvalSha(r.ctx, redisbridge.PeerScript.Hash, []string{r.key}, words[0], words[1], words[2])
				}
				_, err := pipe.Exec(r.ctx)
				r.must(b, err)
				bare += time.Since(at)
			}
			b.ReportMetric(float64(ours.Microseconds())/float64(b.N), "us/pipeline")
			b.ReportMetric(float64(bare.Microseconds())/float64(b.N), "floor-us")
			b.ReportMetric(float64(ours)/float64(bare), "x-floor")
		})
	}
}
