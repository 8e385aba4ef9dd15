package inspect_test

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"hustings/actors"
	"hustings/actors/inspect"
	"hustings/redisbridge"
)

// A page, and the probes of an orchestrator, on a server of one's own.
func ExampleHandler() {
	ctx := context.Background()
	server := miniredis.NewMiniRedis() // your Redis
	if err := server.Start(); err != nil {
		log.Fatal(err)
	}
	defer server.Close()
	server.ClockTTL(true)
	node, err := actors.Start(ctx, actorSystem, actors.Config{
		ID: "web-1", Quarantine: new(false), // this Redis is thrown away
		Redis: redisbridge.Config{Options: &redis.UniversalOptions{Addrs: []string{server.Addr()}}},
	})
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = node.Stop(ctx) }()

	page := inspect.Handler(inspect.Node(node), inspect.Options{Title: "billing"})
	defer page.Close()
	mux := http.NewServeMux()
	mux.Handle("/debug/hustings/", page)
	mux.Handle("/readyz", inspect.Ready(node))
	mux.Handle("/livez", inspect.Live(node))
	// http.Server{Handler: mux}, and RegisterOnShutdown(page.Close)

	for _, path := range []string{"/debug/hustings/", "/debug/hustings/state.json", "/readyz", "/livez"} {
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
		fmt.Println(path, w.Code, w.Header().Get("Content-Type"))
	}
	// Output:
	// /debug/hustings/ 200 text/html; charset=utf-8
	// /debug/hustings/state.json 200 application/json
	// /readyz 200 application/json
	// /livez 200 application/json
}
