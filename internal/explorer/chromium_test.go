package explorer

import (
	"bufio"
	"encoding/base64"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

var (
	browserPath = flag.String("browser", "", "path of Chromium, with which to test the page")
	screenshots = flag.String("screenshots", "", "folder for pictures of the page")
)

// browser is a headless Chromium, driven over a pipe by the Chrome DevTools
// Protocol: JSON messages that end in a zero byte.
type browser struct {
	t       *testing.T
	to      io.Writer
	mutex   sync.Mutex
	last    int
	waiting map[int]chan reply
	session string
	console []string // errors and warnings
	saves   string   // folder of what the page saves
}

type reply struct {
	ID        int
	SessionID string
	Method    string
	Params    json.RawMessage
	Result    json.RawMessage
	Error     *struct{ Message string }
}

// openBrowser starts Chromium with one empty page.
func openBrowser(t *testing.T) *browser {
	t.Helper()
	if *browserPath == "" {
		t.Skip("the page was not tried in a browser; make browser does that")
	}
	profile := t.TempDir()
	command := exec.Command(*browserPath, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--hide-scrollbars",
		"--disable-background-networking", "--remote-debugging-pipe", "--user-data-dir="+profile, "about:blank")
	fromUs, toThem, err1 := os.Pipe()
	fromThem, toUs, err2 := os.Pipe()
	if err1 != nil || err2 != nil {
		t.Fatal(err1, err2)
	}
	command.ExtraFiles = []*os.File{fromUs, toUs} // descriptors 3 and 4
	if err := command.Start(); err != nil {
		t.Fatalf("starting %s: %v", *browserPath, err)
	}
	fromUs.Close()
	toUs.Close()
	b := &browser{t: t, to: toThem, waiting: map[int]chan reply{}}
	listened := make(chan struct{})
	go func() { defer close(listened); b.listen(fromThem) }()
	t.Cleanup(func() {
		b.call("Browser.close", nil)
		toThem.Close()
		<-listened
		command.Wait()
	})
	var target struct{ TargetID string }
	b.result("Target.createTarget", map[string]any{"url": "about:blank"}, &target)
	var attached struct{ SessionID string }
	b.result("Target.attachToTarget", map[string]any{"targetId": target.TargetID, "flatten": true}, &attached)
	b.session = attached.SessionID
	for _, domain := range []string{"Page.enable", "Runtime.enable", "Log.enable", "DOM.enable"} {
		b.result(domain, nil, nil)
	}
	b.saves = t.TempDir()
	b.result("Browser.setDownloadBehavior", map[string]any{"behavior": "allow", "downloadPath": b.saves}, nil)
	return b
}

func (b *browser) listen(from io.Reader) {
	for messages := bufio.NewReaderSize(from, 1<<20); ; {
		text, err := messages.ReadBytes(0)
		if err != nil {
			b.mutex.Lock()
			for _, c := range b.waiting {
				close(c)
			}
			b.waiting = nil
			b.mutex.Unlock()
			return
		}
		var r reply
		if json.Unmarshal(text[:len(text)-1], &r) != nil {
			continue
		}
		b.mutex.Lock()
		if c := b.waiting[r.ID]; r.ID != 0 && c != nil {
			c <- r
			delete(b.waiting, r.ID)
		}
		switch r.Method {
		case "Runtime.exceptionThrown", "Log.entryAdded":
			b.console = append(b.console, string(r.Params))
		case "Runtime.consoleAPICalled":
			if !strings.Contains(string(r.Params), `"type":"log"`) {
				b.console = append(b.console, string(r.Params))
			}
		}
		b.mutex.Unlock()
	}
}

// call sends a command and waits for its reply.
func (b *browser) call(method string, params any) (reply, error) {
	c := make(chan reply, 1)
	b.mutex.Lock()
	if b.waiting == nil {
		b.mutex.Unlock()
		return reply{}, fmt.Errorf("%s: the browser has ended", method)
	}
	b.last++
	message := map[string]any{"id": b.last, "method": method}
	if params != nil {
		message["params"] = params
	}
	if b.session != "" && !strings.HasPrefix(method, "Browser.") && !strings.HasPrefix(method, "Target.") {
		message["sessionId"] = b.session
	}
	b.waiting[b.last] = c
	text, err := json.Marshal(message)
	if err == nil {
		_, err = b.to.Write(append(text, 0))
	}
	b.mutex.Unlock()
	if err != nil {
		return reply{}, err
	}
	select {
	case r, ok := <-c:
		if !ok {
			return r, fmt.Errorf("%s: the browser has ended", method)
		}
		if r.Error != nil {
			return r, fmt.Errorf("%s: %s", method, r.Error.Message)
		}
		return r, nil
	case <-time.After(patience(b.t)):
		return reply{}, fmt.Errorf("%s: no answer", method)
	}
}

// patience is for how long what must come is waited for: nearly as long as go test
// lets the tests run, for a machine may be slow.
func patience(t *testing.T) time.Duration {
	end, limited := t.Deadline()
	if !limited {
		return time.Hour
	}
	return time.Until(end.Add(-20 * time.Second))
}

func (b *browser) result(method string, params, into any) {
	b.t.Helper()
	r, err := b.call(method, params)
	if err == nil && into != nil {
		err = json.Unmarshal(r.Result, into)
	}
	if err != nil {
		b.t.Fatal(err)
	}
}

// js evaluates an expression, awaits it if it is a promise, and returns its
// value.
func js[T any](b *browser, expression string) (value T) {
	b.t.Helper()
	var r struct {
		Result           struct{ Value json.RawMessage }
		ExceptionDetails *struct {
			Text      string
			Exception struct{ Description string }
		}
	}
	b.result("Runtime.evaluate", map[string]any{"expression": expression, "returnByValue": true, "awaitPromise": true}, &r)
	if r.ExceptionDetails != nil {
		b.t.Fatalf("%s: %s %s", expression, r.ExceptionDetails.Text, r.ExceptionDetails.Exception.Description)
	}
	if len(r.Result.Value) > 0 {
		if err := json.Unmarshal(r.Result.Value, &value); err != nil {
			b.t.Fatalf("%s: %v", expression, err)
		}
	}
	return value
}

// until waits for an expression to be true.
func (b *browser) until(what, expression string) {
	b.t.Helper()
	for patience(b.t) > 0 {
		if js[bool](b, "!!("+expression+")") {
			return
		}
		time.Sleep(25 * time.Millisecond)
	}
	b.t.Fatalf("it never is so that %s; console: %v", what, b.console)
}

// once lets something happen after which an expression becomes true, be it for a
// moment that is shorter than it takes this process to look.
func (b *browser) once(what, expression string, act func()) {
	b.t.Helper()
	js[any](b, fmt.Sprintf(`(() => {
		window.happened = false;
		const seen = new MutationObserver(() => { if (%s) { window.happened = true; seen.disconnect(); } });
		seen.observe(document, { subtree: true, childList: true, characterData: true, attributes: true });
	})()`, expression))
	act()
	b.until(what, "window.happened")
}

// window makes the page so large.
func (b *browser) window(width, height int, phone bool) {
	b.t.Helper()
	scale := 1
	if phone {
		scale = 2
	}
	b.result("Emulation.setDeviceMetricsOverride", map[string]any{"width": width, "height": height, "deviceScaleFactor": scale, "mobile": phone}, nil)
	b.result("Emulation.setTouchEmulationEnabled", map[string]any{"enabled": phone}, nil)
}

// prefers sets the system's colours: light or dark.
func (b *browser) prefers(scheme string) {
	b.t.Helper()
	b.result("Emulation.setEmulatedMedia", map[string]any{"features": []map[string]string{{"name": "prefers-color-scheme", "value": scheme}}}, nil)
}

func (b *browser) open(url string) {
	b.t.Helper()
	b.result("Page.navigate", map[string]any{"url": url}, nil)
	b.until("the page is ready", `document.documentElement?.dataset.ready === "true"`)
}

// press types a key, with the modifiers of the protocol (8 is shift).
func (b *browser) press(key string, modifiers int) {
	b.t.Helper()
	codes := map[string]int{"Tab": 9, "Enter": 13, " ": 32, "ArrowLeft": 37, "ArrowUp": 38, "ArrowRight": 39, "ArrowDown": 40}
	event := map[string]any{"type": "keyDown", "key": key, "code": key, "windowsVirtualKeyCode": codes[key], "modifiers": modifiers}
	if key == " " {
		event["code"] = "Space"
	}
	if key == "Enter" {
		event["text"] = "\r"
	} else if key == " " {
		event["text"] = " "
	}
	b.result("Input.dispatchKeyEvent", event, nil)
	event["type"] = "keyUp"
	delete(event, "text")
	b.result("Input.dispatchKeyEvent", event, nil)
}

// focus, click and choose do what a person does to an element.
func (b *browser) focus(id string) {
	b.t.Helper()
	js[any](b, fmt.Sprintf("document.getElementById(%q).focus()", id))
}

func (b *browser) click(id string) {
	b.t.Helper()
	js[any](b, fmt.Sprintf("document.getElementById(%q).click()", id))
}

func (b *browser) choose(id, value string) {
	b.t.Helper()
	js[any](b, fmt.Sprintf(`(() => { const s = document.getElementById(%q); s.value = %q; s.dispatchEvent(new Event("change")); })()`, id, value))
}

// saved waits for a file that the page saves. The browser gives it its name when
// it is whole.
func (b *browser) saved(name string) []byte {
	b.t.Helper()
	for patience(b.t) > 0 {
		if content, err := os.ReadFile(filepath.Join(b.saves, name)); err == nil && len(content) > 0 {
			return content
		}
		time.Sleep(25 * time.Millisecond)
	}
	b.t.Fatalf("the page never saves %s", name)
	return nil
}

// mouse sends a mouse event at a place of the window.
func (b *browser) mouse(kind string, x, y float64, buttons int) {
	b.t.Helper()
	event := map[string]any{"type": kind, "x": x, "y": y, "buttons": buttons}
	if kind != "mouseMoved" {
		event["button"], event["clickCount"] = "left", 1
	}
	b.result("Input.dispatchMouseEvent", event, nil)
}

// box is where an element is in the window, once it is wholly in there.
func (b *browser) box(id string) (left, top, width, height float64) {
	b.t.Helper()
	at := js[[]float64](b, fmt.Sprintf(`(() => { const e = document.getElementById(%q); e.scrollIntoView({ block: "nearest" }); const r = e.getBoundingClientRect(); return [r.left, r.top, r.width, r.height]; })()`, id))
	return at[0], at[1], at[2], at[3]
}

// picture writes what the window shows, or the whole page, if pictures are
// wanted.
func (b *browser) picture(name string, whole bool) {
	b.t.Helper()
	if *screenshots == "" {
		return
	}
	var shot struct{ Data string }
	b.result("Page.captureScreenshot", map[string]any{"format": "png", "captureBeyondViewport": whole}, &shot)
	png, err := base64.StdEncoding.DecodeString(shot.Data)
	if err == nil {
		err = os.WriteFile(filepath.Join(*screenshots, name+".png"), png, 0o666)
	}
	if err != nil {
		b.t.Error(err)
	}
}
