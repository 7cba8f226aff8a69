package loadgen

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"tokenomics/internal/results"
	"tokenomics/loadgen/prompt"
)

// talks are conversations of so many turns.
func talks(turns int, scripted bool) Conversations {
	return Conversations{
		Scripted: scripted, Asking: chats(nil, 1, 3).Asking,
		Source: func(i int) (Conversation, error) {
			c := Conversation{System: "be brief"}
			for k := range turns {
				c.Turns = append(c.Turns, Turn{Say: prompt.Prompt{Text: fmt.Sprintf("say %d.%d", i, k), Row: i}, Answer: fmt.Sprintf("scripted %d.%d", i, k)})
			}
			return c, nil
		},
	}
}

// TestConversationsGrow: each turn has all that was said before, with the
// model's answers or with those of the script, and users wait for theirs.
func TestConversationsGrow(t *testing.T) {
	for name, scripted := range map[string]bool{"the model's answers": false, "scripted": true} {
		t.Run(name, func(t *testing.T) {
			e := newEngine(t)
			s, sink := e.batches(t, []int{1}, 1, 0)
			s.Workload = func(Point, int, Cache) Workload { return talks(3, scripted) }
			s.Route = InOrder((Plan{}).Point(results.Load{Shape: ShapeConversations, MaxConcurrency: 2, NumPrompts: 4}))
			done, err := s.Do(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if sum := done[0].Summary(); sum.Succeeded != 12 || sum.PeakInFlight > 2 {
				t.Errorf("%d of 12 turns succeeded, %d in flight: %s", sum.Succeeded, sum.PeakInFlight, sum.FirstError)
			}
			ids := map[string]bool{}
			for _, r := range sink.records {
				ids[r.RequestID] = true
			}
			if len(ids) != 12 || !ids["n-2-1-0003"] || !ids["n-2-1-0003+2"] {
				t.Errorf("ids %v", ids)
			}
			last := 0
			for _, b := range e.asked() {
				m := b.Messages
				if m[0].Content != "be brief" || len(m)%2 != 0 {
					t.Errorf("messages %v", m)
				}
				if len(m) != 6 {
					continue
				}
				last++
				want := "a b c"
				if scripted {
					want = fmt.Sprintf("scripted %s.1", m[1].Content[4:5])
				}
				if m[4].Content != want || m[4].Role != "assistant" || m[5].Content[6:] != "2" || m[5].Content[:5] != m[1].Content[:5] {
					t.Errorf("the third turn is %v", m)
				}
			}
			if last != 4 {
				t.Errorf("%d third turns", last)
			}
		})
	}
}

// TestImagesStayInTheConversation: what was shown with a turn is shown with it in
// every request that follows.
func TestImagesStayInTheConversation(t *testing.T) {
	image := func(text string) []prompt.Image { return []prompt.Image{{MIME: "image/png", Data: []byte(text)}} }
	c := Conversations{Asking: chats(nil, 1, 3).Asking, Source: func(int) (Conversation, error) {
		return Conversation{Turns: []Turn{
			{Say: prompt.Prompt{Text: "a", Images: image("one")}}, {Say: prompt.Prompt{Text: "b", Images: image("two")}}, {Say: prompt.Prompt{Text: "c"}},
		}}, nil
	}}
	r, err := c.Request(0)
	for turn, want := range []int{1, 2, 2} {
		if err != nil {
			t.Fatal(err)
		}
		if n := strings.Count(string(r.Body), "data:image/png"); n != want || !strings.Contains(string(r.Body), "b25l") {
			t.Errorf("turn %d has %d images, want %d: %s", turn+1, n, want, r.Body)
		}
		if r.Next != nil {
			var next *Request
			next, _, err = r.Next("said")
			r = *next
		}
	}
}

// TestAFailedTurnEndsItsConversation and no other.
func TestAFailedTurnEndsItsConversation(t *testing.T) {
	e := newEngine(t)
	e.fail = func(n int) bool { return n == 2 }
	s, _ := e.batches(t, []int{1}, 1, 0)
	s.Workload = func(Point, int, Cache) Workload {
		c := talks(3, false)
		c.Think = time.Millisecond
		return c
	}
	s.Route = InOrder((Plan{}).Point(results.Load{Shape: ShapeConversations, MaxConcurrency: 1, NumPrompts: 2}))
	done, err := s.Do(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if sum := done[0].Summary(); sum.Failed != 1 || sum.Succeeded != 4 {
		t.Errorf("%d failed, %d succeeded", sum.Failed, sum.Succeeded)
	}
}

// TestWarmupIsOfFirstTurns: nobody thinks in it.
func TestWarmupIsOfFirstTurns(t *testing.T) {
	p := Plan{Warmup: 2, Make: func(int, Cache) Workload { return talks(3, false) }}
	for run, follows := range map[int]bool{0: false, 1: true} {
		r, err := p.workload(Point{}, run, Cache{}).Request(0)
		if err != nil || (r.Next != nil) != follows {
			t.Errorf("run %d: error %v, a turn follows: %v", run, err, r.Next != nil)
		}
	}
}
