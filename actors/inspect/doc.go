// Package inspect shows elections in a browser: a page, a JSON document and a stream of
// events over one node, a fleet in this process, or a simulated world, as an http.Handler
// to mount wherever one likes.
//
//	page := inspect.Handler(inspect.Node(node), inspect.Options{Title: "billing"})
//	mux.Handle("/debug/hustings/", page)
//	server.RegisterOnShutdown(page.Close)
//
// # What there is
//
// Below the path at which it is mounted, which ends in a slash:
//
//	(nothing)    the page
//	state.json   the present, or an instant that is recorded: see docs/inspect.md
//	events       server-sent events: that something changed, and what
//	diagram.svg  the state machine, ?state=won or ?election=billing lit
//	control      orders, by POST, if Options.Control allows them
//
// [Ready] and [Live] answer the probes of an orchestrator.
//
// # What it records
//
// A handler watches its source from the moment it is made, whether or not anybody looks:
// one goroutine for each node, and the last 4,096 changes ([Options].History), about 2 MB.
// From these any instant since the oldest of them can be shown again. It costs the node
// one subscription. It never slows a node down: if it can't keep up it reads the state of
// everything instead, and single transitions are lost to it.
//
// Streams have no queues of their own. Each is a goroutine of the http server's that reads
// the record from where it was; one that fell behind is told to load anew. There are at
// most [Options].MaxClients. They end with their client, and with Close.
//
// # Who may see it, and do what
//
// The page is read-only unless [Options].Control is set. It brings no authentication:
// whoever can reach it sees ids, hosts, election names and causes. Wrap it as you wrap
// pprof. With Control set, orders are taken by POST only, from the page's own origin, with
// a token that only the page can read; that keeps other sites' pages from giving orders
// through a visitor's browser, and is no login.
//
// Ids and names are data wherever they are shown. The page is served under a
// Content-Security-Policy that lets nothing in but its own files, and no text become
// markup. It loads nothing from elsewhere.
//
// # What it is not
//
// It is no monitoring: it forgets, and shows what this process knows. Of nodes in other
// processes it shows that they are in the fleet, not their machines. What it says of who
// leads is as old as what the node knows; ask Leadership.Valid, or check tokens, where it
// matters.
//
// # Concurrent use
//
// Everything here may be used from any goroutine.
package inspect
