package local

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"time"

	"qtune/measure"
)

// startDeadline is how long a new child may take to say hello.
const startDeadline = 30 * time.Second

// A process is a running child. One goroutine at a time talks to it.
type process struct {
	cmd      *exec.Cmd
	stdin    io.WriteCloser
	messages chan message  // closed when the child's output ends
	exited   chan struct{} // closed when the child has been waited for; then exit is set
	exit     error         // of cmd.Wait
	garbled  error         // why its output could not be read; set before messages is closed
	stderr   *lastWords
	core     int
}

// spawn starts a child and waits for its hello.
func spawn(ctx context.Context, argv, env []string, core int) (*process, error) {
	cmd := exec.Command(argv[0], argv[1:]...)
	// The runtime's report of a fatal signal ends in an exit, not in another
	// signal; see obituary.
	cmd.Env = append(append(os.Environ(), "GOTRACEBACK=single"), env...)
	p := &process{cmd: cmd, messages: make(chan message, 16), exited: make(chan struct{}), stderr: new(lastWords)}
	cmd.Stderr = p.stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	p.stdin = stdin
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := p.start(stdout); err != nil {
		return nil, fmt.Errorf("starting the measuring child: %w", err)
	}
	if err := p.greet(ctx, core); err != nil {
		p.kill()
		return nil, fmt.Errorf("the measuring child %q did not start: %w%s", strings.Join(argv, " "), err, p.stderr)
	}
	return p, nil
}

// start runs the command under a goroutine that keeps its thread until the
// child has ended: the kernel takes the end of the starting thread for the end
// of the parent.
func (p *process) start(stdout io.Reader) error {
	dieWithParent(p.cmd)
	started := make(chan error)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := p.cmd.Start()
		started <- err
		if err != nil {
			return
		}
		p.read(stdout)
		p.exit = p.cmd.Wait()
		close(p.exited)
	}()
	return <-started
}

func (p *process) read(stdout io.Reader) {
	defer close(p.messages)
	r := bufio.NewReader(stdout)
	for {
		var m message
		if err := readFrame(r, &m); err != nil {
			if !errors.Is(err, io.EOF) {
				p.garbled = fmt.Errorf("unreadable answer: %w", err)
				_ = p.cmd.Process.Kill() // it cannot be talked to any more
			}
			return
		}
		p.messages <- m
	}
}

func (p *process) greet(ctx context.Context, core int) error {
	// Where the child has ended already this fails, and next says why.
	_ = writeFrame(p.stdin, setup{Core: core})
	m, err := p.next(ctx, startDeadline)
	switch {
	case errors.Is(err, errExit) && p.garbled != nil:
		return p.garbled
	case err != nil:
		return err
	case m.Kind != helloMessage:
		return fmt.Errorf("it said %q, want %q", m.Kind, helloMessage)
	}
	p.core = m.Core
	return nil
}

// Why no message came.
var (
	errDeadline = errors.New("no answer within the deadline")
	errExit     = errors.New("the child ended")
)

// next waits for a message: errDeadline, errExit or the context's error where
// none comes.
func (p *process) next(ctx context.Context, deadline time.Duration) (message, error) {
	timer := time.NewTimer(deadline)
	defer timer.Stop()
	select {
	case m, ok := <-p.messages:
		if !ok {
			return message{}, errExit
		}
		return m, nil
	case <-timer.C:
		return message{}, errDeadline
	case <-ctx.Done():
		return message{}, ctx.Err()
	}
}

// kill ends the child at once and waits for its end.
func (p *process) kill() {
	_ = p.cmd.Process.Kill() // fails only where it has ended already
	p.drain()
}

// drain takes what the child still says, until it has ended.
func (p *process) drain() {
	_ = p.stdin.Close() // idem
	for range p.messages {
	}
	<-p.exited
}

// close lets the child end by itself, which it does when its input ends.
func (p *process) close() {
	timer := time.AfterFunc(time.Second, func() { _ = p.cmd.Process.Kill() })
	defer timer.Stop()
	p.drain()
}

// obituary says what ended a child that was not killed by us: the status of
// the job it was at, and a message.
func (p *process) obituary() (measure.Status, string) {
	<-p.exited
	if p.garbled != nil {
		return measure.Crash, fmt.Sprintf("%v%s", p.garbled, p.stderr)
	}
	var ee *exec.ExitError
	if errors.As(p.exit, &ee) {
		if ws, ok := ee.Sys().(syscall.WaitStatus); ok && ws.Signaled() {
			name := signalName(ws.Signal())
			if s := ws.Signal(); s == syscall.SIGKILL || s == syscall.SIGTERM {
				return measure.WorkerLost, "the measuring process was ended from outside by " + name
			}
			return measure.Crash, name + p.stderr.String()
		}
	}
	// The Go runtime reports a fatal signal in generated code, then exits.
	if sig := p.stderr.signal(); sig != "" {
		return measure.Crash, sig + " in the candidate" + p.stderr.String()
	}
	return measure.Crash, fmt.Sprintf("the measuring process ended: %v%s", p.exit, p.stderr)
}

func signalName(s syscall.Signal) string {
	names := map[syscall.Signal]string{
		syscall.SIGSEGV: "SIGSEGV", syscall.SIGILL: "SIGILL", syscall.SIGFPE: "SIGFPE", syscall.SIGBUS: "SIGBUS",
		syscall.SIGABRT: "SIGABRT", syscall.SIGTRAP: "SIGTRAP", syscall.SIGKILL: "SIGKILL", syscall.SIGTERM: "SIGTERM",
	}
	if n, ok := names[s]; ok {
		return n
	}
	return s.String()
}

// lastWords keeps the beginning of what a child writes to its standard error:
// there the Go runtime says what happened, before it lists its goroutines.
type lastWords struct {
	mu struct {
		sync.Mutex
		text []byte
	}
}

const maxWords = 1 << 10

func (w *lastWords) Write(b []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.mu.text = append(w.mu.text, b[:min(len(b), maxWords-len(w.mu.text))]...)
	return len(b), nil
}

// String returns the text on one line, after ": ".
func (w *lastWords) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	text, _, _ := strings.Cut(string(w.mu.text), "\n\ngoroutine ")
	words := strings.Join(strings.Fields(strings.ToValidUTF8(text, "?")), " ")
	if words == "" {
		return ""
	}
	return ": " + words
}

// signal returns the name of the first signal in the text.
func (w *lastWords) signal() string {
	for _, f := range strings.FieldsFunc(w.String(), func(r rune) bool { return r < 'A' || r > 'Z' }) {
		if strings.HasPrefix(f, "SIG") && len(f) > len("SIG") {
			return f
		}
	}
	return ""
}
