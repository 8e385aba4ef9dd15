package sim_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"hustings/actors"
)

// starts is a node of ours under the id of another process.
func (f *mixedFleet) starts(process, id string, rank int64) *twin {
	return startTwin(f.w, process, id, rank, 4711)
}

func TestOursDoesNotStartUnderTheIDOfALiveOriginal(t *testing.T) {
	for _, rank := range []int64{5, 90} {
		t.Run(fmt.Sprint(rank), func(t *testing.T) {
			onMixed(t, 20, func(f *mixedFleet) {
				f.our("other", 3)
				old := f.original("x", 70)
				f.w.Run(20 * time.Second)
				f.require("x")
				d := f.starts("x-2", "x", rank)
				f.w.Every("the original leads on", func() error {
					if !old.Leads("e") || d.trusted() {
						return errors.New(f.leading())
					}
					return nil
				})
				f.w.RunUntil(func() bool { return d.err() != nil }, 30*time.Second)
				err := d.err()
				requireTrue(f.w, "it is refused", errors.Is(err, actors.ErrDuplicateID), err)
				requireTrue(f.w, "it is told who has the id", strings.Contains(err.Error(), "an original, process 70, since "), err)
				d.Crash()
				f.w.Run(3 * time.Minute)
				f.require("x")
				f.alive()
			})
		})
	}
}

func TestOursStartsAtOnceInThePlaceOfAnOriginalThatHasEnded(t *testing.T) {
	onMixed(t, 20, func(f *mixedFleet) {
		f.our("other", 3)
		old := f.original("x", 70)
		f.w.Run(20 * time.Second)
		old.Crash()
		f.w.Run(f.w.Rand().Duration(0, 3*time.Second))
		d := f.starts("x-2", "x", 70)
		f.w.RunUntil(d.trusted, 2*time.Second)
		requireTrue(f.w, "it leads", d.trusted(), d.state())
	})
}

func TestOursThatFindsAnOriginalUnderItsIDStartsWhenThatHasEnded(t *testing.T) {
	onMixed(t, 20, func(f *mixedFleet) {
		old := f.original("x", 70)
		f.w.Run(20 * time.Second)
		d := f.starts("x-2", "x", 70)
		f.w.Run(f.w.Rand().Duration(time.Second, 8*time.Second))
		requireTrue(f.w, "it waits", d.handle == nil || d.err() == nil && !d.trusted(), d.state())
		old.Crash()
		f.w.RunUntil(d.trusted, 3*time.Second)
		requireTrue(f.w, "it leads", d.trusted(), d.state())
	})
}
