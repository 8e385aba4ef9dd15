package actors_test

import (
	"strings"
	"testing"

	"hustings/actors"
)

func TestPanicsOfUsersFunctionsCostNeitherTermNorNode(t *testing.T) {
	onEachRedis(t, func(t *testing.T, f *fleet) {
		a := f.start("a", 1, func(c *actors.Config) {
			c.Steps = func(actors.Step) { panic("steps") }
			c.RankFor = func(election string) int64 {
				if election == "bad" {
					panic("rank")
				}
				return 7
			}
		}).run("e")
		token := a.won("e").Token
		before, err := a.Inspect(bg(t), "e")
		a.must(err)
		system.Root.Send(a.PID(), &actors.Handle{Done: func(*actors.Node) { panic("done") }})
		if err := a.Run(bg(t), "bad"); err == nil || !strings.Contains(err.Error(), "RankFor panicked") {
			t.Errorf("%v", err)
		}
		if failed := next[*actors.Failed](a, nil); failed.Election != "bad" {
			t.Errorf("%+v", failed)
		}
		_, err = actors.Attach(bg(t), system, a.PID())
		a.must(err)
		a.leads("e", token)
		after, err := a.Inspect(bg(t), "e")
		a.must(err)
		if after.Incarnation != before.Incarnation || after.Rank != 7 {
			t.Errorf("incarnation %s then %s, rank %d", before.Incarnation, after.Incarnation, after.Rank)
		}
		for _, what := range []string{"Config.Steps", "Config.RankFor", "Handle.Done"} {
			if !strings.Contains(f.logs.String(), "function="+what) {
				t.Errorf("the panic of %s is not in the log", what)
			}
		}
	})
}
