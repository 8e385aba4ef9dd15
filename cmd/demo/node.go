package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"hustings/actors"
)

// errTold is why a node stops that was told to.
var errTold = errors.New("told to stop")

// Patience at the end.
const (
	flushPatience = 2 * time.Second        // for a reader to take the last lines
	abortPatience = 100 * time.Millisecond // the same after a second signal
	inputPatience = 2 * time.Second        // beyond a TTL, for a start whose input has ended
	eventBuffer   = 4096
)

// nodeRun is one run of demo node.
type nodeRun struct {
	o       *nodeOptions
	printer *printer
	logger  *slog.Logger
	node    *actors.Node // set before anything that uses it starts
	lanes   *lanes
	lie     time.Duration // see liar

	// ctx ends when the node is to stop, with errTold or a fault as its cause; over
	// ends when it has stopped.
	ctx  context.Context
	stop context.CancelCauseFunc
	over context.Context
	end  context.CancelFunc

	mu     sync.Mutex // guards stands
	stands []*stand
}

// runNode is demo node: it returns when the node has stopped, or at a second signal.
func runNode(args []string, c *console) int {
	o, err := parseNode(args, c.err)
	if code, stop := parsed(err); stop {
		return code
	}
	r := newNodeRun(o, c)
	finished := make(chan int, 1)
	go func() {
		code := r.live(c)
		r.printer.close(flushPatience)
		finished <- code
	}()
	failed := r.printer.failed // nil once that was said
	say := func() {
		fmt.Fprintln(c.err, "demo node:", unwritten(r.printer.err))
		failed = nil
	}
	for told := false; ; {
		select {
		case <-failed:
			say()
		case code := <-finished:
			select {
			case <-failed:
				say()
			default:
			}
			if failed == nil {
				return max(code, exitFault)
			}
			return code
		case <-c.signals:
			if told {
				r.printer.close(abortPatience)
				return exitFault
			}
			told = true
			r.stop(errTold)
		}
	}
}

func newNodeRun(o *nodeOptions, c *console) *nodeRun {
	if o.id == "" {
		host, _ := os.Hostname()
		o.id = fmt.Sprintf("%s-%d", strings.ToValidUTF8(host, ""), os.Getpid())
	}
	format := (*line).text
	if o.format == "json" {
		format = (*line).json
	}
	r := &nodeRun{
		o: o, printer: newPrinter(c.out, o.id, format), lanes: newLanes(),
		logger: slog.New(slog.NewTextHandler(c.err, &slog.HandlerOptions{Level: o.level})),
	}
	r.lie, _ = time.ParseDuration(os.Getenv(liar))
	r.ctx, r.stop = context.WithCancelCause(context.Background())
	r.over, r.end = context.WithCancel(context.Background())
	return r
}

// live is the node's life, from the first check to the last line.
func (r *nodeRun) live(c *console) int {
	defer r.end()
	defer r.stop(errTold)
	if r.o.stdin {
		go r.readCommands(c.in)
	}
	go func() {
		select {
		case <-r.printer.failed:
			r.stop(errors.New("stdout can't be written"))
		case <-r.over.Done():
		}
	}()
	if err := r.start(); err != nil {
		if errors.Is(context.Cause(r.ctx), errTold) {
			return exitOK // it was stopped before it was ready
		}
		r.fault(err)
		return exitFault
	}
	return r.serve()
}

// fault prints an error line.
func (r *nodeRun) fault(err error) {
	r.printer.print(newLine("error", clock.Now(), "error", err.Error()))
}

// start returns when the node is ready.
func (r *nodeRun) start() error {
	if err := r.o.check(); err != nil {
		return err
	}
	cfg, err := r.o.config(r.logger)
	if err != nil {
		return err
	}
	r.node, err = actors.Start(r.ctx, newSystem(r.logger), cfg)
	return err
}

// newSystem returns an actor system that logs as we do.
func newSystem(logger *slog.Logger) *actor.ActorSystem {
	return actor.NewActorSystem(
		actor.WithLoggerFactory(func(*actor.ActorSystem) *slog.Logger { return logger }),
		actor.WithDeadLetterThrottleInterval(time.Millisecond))
}

// serve runs a node that is ready, until it is told to stop or fails.
func (r *nodeRun) serve() int {
	r.printer.print(newLine("ready", clock.Now()))
	events := r.node.Subscribe(context.Background(), actors.SubscribeOptions{Transitions: true, Buffer: eventBuffer})
	var tasks sync.WaitGroup
	tasks.Go(func() { r.tell(events) })
	tasks.Go(r.probe)
	for _, e := range r.o.elections {
		if err := r.standIn(e); err != nil {
			r.stop(err)
		}
	}
	var commands sync.WaitGroup
	if r.o.stdin {
		commands.Go(r.serveCommands)
	}
	<-r.ctx.Done()
	code := exitOK
	if err := context.Cause(r.ctx); !errors.Is(err, errTold) {
		r.fault(err)
		code = exitFault
	}
	r.leave()
	commands.Wait()
	r.lanes.wait()
	for _, s := range r.standing() {
		s.wait()
		s.poll()
	}
	tasks.Wait()
	return code
}

// tell prints the node's events. It ends when the node has stopped.
func (r *nodeRun) tell(events <-chan actors.Event) {
	var link linkWatch
	for ev := range events {
		var l *line
		switch ev := ev.(type) {
		case *actors.LinkChanged:
			l = link.line(ev)
		case *actors.Failed:
			r.stop(ev.Err)
		case *actors.Lost:
			// A successor may come before the next poll is due.
			r.standOf(ev.Election).poll()
			l = eventLine(ev)
		case *actors.Missed:
			r.printer.print(eventLine(ev))
			r.tellLeaders()
		default:
			l = eventLine(ev)
		}
		if l != nil {
			r.printer.print(l)
		}
	}
	r.stop(errors.New("the node's actor has stopped")) // unless it was told to
}

// tellLeaders prints who leads: some lines that would have told so were never made.
func (r *nodeRun) tellLeaders() {
	for _, v := range r.node.Views() {
		r.printer.print(eventLine(&actors.LeaderChanged{Election: v.Election, At: clock.Now(), Leader: v.Leader}))
	}
}

// leave stops the node: every election drains and quits, then the node leaves the fleet.
func (r *nodeRun) leave() {
	for _, s := range r.standing() {
		s.halt()
	}
	// Without Redis nothing can be given back, and the session runs out by itself:
	// there is no point in waiting for longer than that.
	limit := r.o.ttl + min(r.o.drain, r.o.drainTimeout)
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	if err := r.node.Stop(ctx); err != nil && r.node.Err() == nil {
		r.fault(fmt.Errorf("stopped without taking leave (%w): the session runs out by itself within %v", err, r.o.ttl))
	}
	r.end()
}
