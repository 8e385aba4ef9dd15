package actors

import (
	"sync"
	"testing"
)

// More jobs than may wait, from many goroutines, each of which schedules another one: all
// of them are done. That no worker stays is for the check of leaks.
func TestWorkersDoEveryJob(t *testing.T) {
	end := make(chan struct{})
	w := newWorkers(several(), end)
	const scheduling, each = 8, 2 * maxJobs
	var done, senders sync.WaitGroup
	done.Add(scheduling * each * 2)
	for range scheduling {
		senders.Go(func() {
			for range each {
				w.Schedule(func() {
					w.Schedule(done.Done)
					done.Done()
				})
			}
		})
	}
	senders.Wait()
	done.Wait() // a job that nobody does makes this hang
	if n := len(w.jobs); n != 0 {
		t.Errorf("%d jobs wait still", n)
	}
	close(end)
	done.Add(each)
	for range each { // who comes too late is not forgotten
		w.Schedule(done.Done)
	}
	done.Wait()
}
