package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	web "hustings/actors/inspect"
)

// serveOptions are the flags of demo serve.
type serveOptions struct {
	addr, redis string
	nodes       int
	ttl         time.Duration
	seed        uint64
}

const serveUsage = `demo serve opens the page for a live fleet in this process, with buttons to break it,
and for a simulated world that can be stepped and wound back. It ends with SIGINT.

  demo serve                                  five nodes on an embedded Redis
  demo serve --redis redis://127.0.0.1:6379   on a real one, under a prefix of their own
  demo serve --redis "redis://10.0.0.1:26379?master=mymaster"    behind Sentinels
  demo serve --redis "redis://10.0.0.1:7000?cluster=true"        on a Cluster

There is no login: whoever reaches the address can press the buttons. Keep it on the
loopback interface.

Flags:
`

func parseServe(args []string, w io.Writer) (*serveOptions, error) {
	o := &serveOptions{}
	f := newFlags("demo serve", w, serveUsage, "")
	f.StringVar(&o.addr, "addr", "127.0.0.1:7007", "`ADDR` to listen on")
	f.StringVar(&o.redis, "redis", "", "`URL` of a real Redis, as for demo node (TLS, Sentinel and Cluster too); its keys get a prefix of their own and are removed (default an embedded one)")
	f.IntVar(&o.nodes, "nodes", 5, "how many nodes, 1 to 20")
	f.DurationVar(&o.ttl, "ttl", 3*time.Second, "how long a session lives without a heartbeat")
	f.Uint64Var(&o.seed, "seed", 1, "the seed of the first simulated world")
	if err := parse(f, args); err != nil {
		return nil, err
	}
	var err error
	switch {
	case f.NArg() > 0:
		err = fmt.Errorf("demo serve: %q is no flag: every option begins with --", f.Arg(0))
	case o.nodes < 1 || o.nodes > 20:
		err = fmt.Errorf("demo serve: --nodes %d: use 1 to 20", o.nodes)
	case o.ttl < 300*time.Millisecond:
		err = fmt.Errorf("demo serve: --ttl %v is too short: use at least 300ms", o.ttl)
	default:
		if err = checkURL(o.redis); err != nil {
			err = fmt.Errorf("demo serve: %w", err)
		}
	}
	if err != nil {
		fmt.Fprintln(w, err)
	}
	return o, err
}

// runServe is demo serve.
func runServe(args []string, c *console) int {
	o, err := parseServe(args, c.err)
	if code, stop := parsed(err); stop {
		return code
	}
	ctx, done := c.interruptible()
	defer done()
	if err := serve(ctx, o, c.out); err != nil {
		fmt.Fprintf(c.err, "demo serve: %v\n", err)
		if bad := new(net.AddrError); errors.As(err, &bad) {
			return exitUsage
		}
		return exitFault
	}
	return exitOK
}

// serve serves both pages until ctx ends.
func serve(ctx context.Context, o *serveOptions, out io.Writer) (err error) {
	listener, err := net.Listen("tcp", o.addr)
	if err != nil {
		return err
	}
	defer listener.Close()
	server, err := openServer(o.redis)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "starting %d nodes on %s\n", o.nodes, server.about)
	if err := server.answers(ctx); err != nil {
		return unlessTold(ctx, err)
	}
	live, err := openLive(ctx, o, server)
	defer func() { err = errors.Join(err, live.close()) }()
	if err != nil {
		return unlessTold(ctx, err)
	}
	player := newReplay(o.seed)
	defer player.close()
	hosts := servedHosts(o.addr)
	page := web.Handler(live, web.Options{
		Title: "hustings", Control: true, Hosts: hosts,
		Links: []web.Link{{Title: "Live fleet", Href: "./"}, {Title: "Simulator", Href: "simulator/"}},
	})
	defer page.Close()
	world := web.Handler(player, web.Options{
		Title: "hustings", Control: true, Hosts: hosts,
		Links: []web.Link{{Title: "Live fleet", Href: "../"}, {Title: "Simulator", Href: "./"}},
	})
	defer world.Close()
	mux := http.NewServeMux()
	mux.Handle("/", page)
	mux.Handle("/simulator/", world)
	site := &http.Server{Handler: endingWith(ctx, mux), ReadHeaderTimeout: 10 * time.Second}
	site.RegisterOnShutdown(page.Close)
	site.RegisterOnShutdown(world.Close)
	fmt.Fprintf(out, "the page: http://%s/   (Ctrl-C ends it)\n", listener.Addr())
	if hosts == nil {
		fmt.Fprintln(out, "careful: others can reach this address, and press the buttons")
	}
	failed := make(chan error, 1)
	go func() { failed <- site.Serve(listener) }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	bye, cancel := context.WithTimeout(context.Background(), 3*time.Second)
	defer cancel()
	if site.Shutdown(bye) != nil {
		_ = site.Close() // a client takes its time, which is no fault of ours
	}
	return nil
}

// unlessTold is what went wrong, unless that is that we were told to stop.
func unlessTold(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// endingWith has orders end with ctx: a node that is being started must not keep us.
func endingWith(ctx context.Context, h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			ordered, cancel := context.WithCancel(r.Context())
			defer cancel()
			defer context.AfterFunc(ctx, cancel)()
			r = r.WithContext(ordered)
		}
		h.ServeHTTP(w, r)
	})
}

// servedHosts are the names under which the page may be asked for; nil, any, where it
// listens to more than the loopback interface.
func servedHosts(addr string) []string {
	host, _, err := net.SplitHostPort(addr)
	ip := net.ParseIP(host)
	if err != nil || host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return nil
	}
	return []string{host, "localhost", "127.0.0.1", "::1"}
}
