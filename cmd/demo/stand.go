package main

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"hustings/actors"
)

// stand is this node's part in one election: it campaigns, does the work while in
// office, and campaigns again, until it is halted.
//
// Run keeps the candidacy for as long as the election is not quit; Campaign hands out the
// terms, so that the office is kept until the work has stopped.
type stand struct {
	run      *nodeRun
	election string
	lead     atomic.Pointer[actors.Leadership] // of the last term that was worked in

	mu     sync.Mutex // guards cancel and done
	cancel context.CancelFunc
	done   chan struct{}

	polls  sync.Mutex // guards polled, yes and held
	polled *actors.Leadership
	yes    bool // the last answer of Valid
	held   held
}

// standOf returns the stand in an election, made if need be.
func (r *nodeRun) standOf(election string) *stand {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, s := range r.stands {
		if s.election == election {
			return s
		}
	}
	s := &stand{run: r, election: election}
	r.stands = append(r.stands, s)
	return s
}

// standing returns all stands.
func (r *nodeRun) standing() []*stand {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]*stand(nil), r.stands...)
}

// standIn runs in an election. Running twice is running once.
func (r *nodeRun) standIn(election string) error {
	if err := r.node.Run(r.over, election); err != nil {
		return err
	}
	s := r.standOf(election)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cancel != nil || r.ctx.Err() != nil {
		return nil
	}
	var ctx context.Context
	ctx, s.cancel = context.WithCancel(r.over)
	done := make(chan struct{})
	s.done = done
	go func() {
		defer close(done)
		s.campaign(ctx)
	}()
	return nil
}

// quit withdraws, and returns when Redis knows and the work has stopped.
func (r *nodeRun) quit(election string) error {
	s := r.standOf(election)
	s.halt()
	err := r.node.Quit(r.over, election)
	s.wait()
	return err
}

// offline quits every election and leaves the fleet.
func (r *nodeRun) offline() error {
	for _, s := range r.standing() {
		s.halt()
	}
	err := r.node.Offline(r.over)
	for _, s := range r.standing() {
		s.wait()
	}
	return err
}

// halt ends the campaigning. Work that is under way goes on until its term ends.
func (s *stand) halt() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cancel != nil {
		s.cancel()
		s.cancel = nil
	}
}

// wait returns when a halted stand has stopped working.
func (s *stand) wait() {
	s.mu.Lock()
	done := s.done
	s.mu.Unlock()
	if done != nil {
		<-done
	}
}

// campaignPause is how long to wait after a campaign that failed.
const campaignPause = 250 * time.Millisecond

func (s *stand) campaign(ctx context.Context) {
	for ctx.Err() == nil {
		l, err := s.run.node.Campaign(ctx, s.election)
		if err == nil {
			s.work(l)
			continue
		}
		if errors.Is(err, actors.ErrStopped) || s.run.node.Err() != nil {
			return
		}
		if ctx.Err() == nil {
			s.run.logger.Warn("campaign failed", "election", s.election, "error", err.Error())
		}
		pause(ctx, campaignPause)
	}
}

// work is what the demo does while in office: nothing, and it takes --drain to stop.
func (s *stand) work(l *actors.Leadership) {
	s.lead.Store(l)
	s.tell(l, "started")
	<-l.Context().Done()
	s.tell(l, "stopping")
	pause(s.run.over, s.run.o.drain)
	s.tell(l, "stopped")
	if err := l.Release(s.run.over); err != nil && !errors.Is(err, context.Canceled) {
		s.run.logger.Warn("release failed", "election", s.election, "error", err.Error())
	}
}

func (s *stand) tell(l *actors.Leadership, state string) {
	s.run.printer.print(newLine("work", clock.Now(), "election", s.election, "state", state, "token", l.Token()))
}
