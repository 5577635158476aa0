package explorer

import (
	"bytes"
	"fmt"
	"image/gif"
	"net"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"hourglass/internal/serving"
	"hourglass/models"
)

// serve opens the explorer of a model behind its guard.
func serve(t *testing.T, m models.Model) (e *Explorer, url, metrics string) {
	t.Helper()
	e, metrics = explore(t, m)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(serving.Guard(serving.Hosts(listener.Addr()), e))
	server.Listener.Close()
	server.Listener = listener
	server.Start()
	t.Cleanup(func() { server.CloseClientConnections(); server.Close() })
	return e, server.URL, metrics
}

// curve is what a run might have written.
func curve(steps int) string {
	var text strings.Builder
	for step := 1; step <= steps; step++ {
		loss := 20 + 180/(1+float64(step)/12) + 4*float64(step*7919%13)/13
		fmt.Fprintf(&text, `{"kind":"step","epoch":%d,"step":%d,"loss":%g,"images_per_second":5120}`+"\n", 1+step/60, step, loss)
		if step%60 == 0 {
			fmt.Fprintf(&text, `{"kind":"epoch","epoch":%d,"step":%d,"train_loss":%g,"loss":%g}`+"\n", step/60, step, loss, loss+2)
			fmt.Fprintf(&text, `{"kind":"diagnosis","epoch":%d,"step":%d,"explained_variance":0.5,"active":6}`+"\n", step/60, step)
		}
	}
	return text.String()
}

// What a person does with the page, in a real browser.
func TestInABrowser(t *testing.T) {
	b := openBrowser(t)
	e, url, metrics := serve(t, trained(t, vae(t), 30))
	appendTo(t, metrics, curve(240)) // which ends, as runs do, with a line that is no step
	b.window(1440, 1100, false)
	b.prefers("light")
	b.open(url)
	source := `document.getElementById("decoded").src`
	changed := func(what string, act func()) {
		t.Helper()
		before := js[string](b, source)
		act()
		b.until(what, source+" !== "+fmt.Sprintf("%q", before))
	}
	focus, click := b.focus, b.click

	t.Run("the map is dragged", func(t *testing.T) {
		b.t = t
		left, top, width, height := b.box("map")
		b.mouse("mouseMoved", left+width/2, top+height/2, 0)
		changed("a press on the map decodes", func() { b.mouse("mousePressed", left+0.3*width, top+0.3*height, 1) })
		slider := js[string](b, `document.querySelector("#sliders output").textContent`)
		changed("a drag over the map decodes", func() {
			for i := range 8 {
				b.mouse("mouseMoved", left+(0.3+0.05*float64(i))*width, top+0.5*height, 1)
			}
		})
		b.until("the sliders follow", fmt.Sprintf(`document.querySelector("#sliders output").textContent !== %q`, slider))
		b.mouse("mouseReleased", left+0.65*width, top+0.5*height, 0)
	})
	t.Run("thumbnails come while hovering", func(t *testing.T) {
		b.t = t
		at := js[[]float64](b, `(async () => { const m = await (await fetch("/api/map")).json(); const c = document.getElementById("map"), r = c.getBoundingClientRect();
			for (let y = 20; y < r.height; y += 7) for (let x = 20; x < r.width; x += 7) {
				c.dispatchEvent(new PointerEvent("pointermove", { clientX: r.left + x, clientY: r.top + y, pointerType: "mouse" }));
				if (!document.getElementById("tip").hidden) return [r.left + x, r.top + y];
			} return []; })()`)
		if len(at) != 2 {
			t.Fatal("no place of the map has a thumbnail")
		}
		b.until("the thumbnail has loaded", `document.getElementById("tip-image").naturalWidth === 12`)
		b.picture("hover", false)
	})
	t.Run("a slider is moved by the keyboard", func(t *testing.T) {
		b.t = t
		focus("slider-0")
		value := js[string](b, `document.querySelector("#sliders output").textContent`)
		changed("an arrow key on a slider decodes", func() { b.press("ArrowRight", 0) })
		b.until("the number follows", fmt.Sprintf(`document.querySelector("#sliders output").textContent !== %q`, value))
		b.choose("basis", "direction")
		b.until("the sliders are principal directions", `document.querySelector("#sliders label").textContent === "dir 1"`)
		focus("slider-0")
		place := js[float64](b, `Number(document.getElementById("slider-0").value)`)
		changed("an arrow key on a direction decodes", func() { b.press("ArrowRight", 0) })
		if now := js[float64](b, `Number(document.querySelector("#sliders output").textContent.replace("−", "-"))`); now <= place-0.01 {
			t.Errorf("the direction went from %g to %g", place, now)
		}
		b.choose("basis", "number")
	})
	t.Run("the keyboard alone reaches everything", func(t *testing.T) {
		b.t = t
		js[any](b, `document.activeElement.blur()`)
		reached := map[string]bool{}
		for range 120 {
			b.press("Tab", 0)
			reached[js[string](b, `document.activeElement.id || document.activeElement.tagName`)] = true
		}
		for _, id := range []string{"theme", "map", "colour", "mean", "draw", "test", "pin-a", "pin-b", "basis", "slider-0", "slider-5", "file", "way", "play", "time", "save-morph", "layout", "lasso", "around", "reach", "more-samples", "BUTTON"} {
			if !reached[id] {
				t.Errorf("%s is not reached by the tabulator", id)
			}
		}
		focus("map")
		changed("an arrow key on the map decodes", func() { b.press("ArrowLeft", 0); b.press("ArrowUp", 8) })
		b.until("what happens is said", `document.getElementById("spoken").textContent.includes("Place")`)
		changed("Enter on the map opens an image", func() { b.press("Enter", 0) })
		b.until("the image is taken apart", `!document.getElementById("look-result").hidden && document.getElementById("neighbours").children.length === 8`)
		focus("test")
		before := js[string](b, `document.getElementById("verdict").textContent`)
		b.press("Enter", 0)
		b.until("a test image is opened", fmt.Sprintf(`document.getElementById("verdict").textContent !== %q`, before))
		focus("play")
		changed("the morph plays", func() { b.press(" ", 0) })
		b.until("it is pressed", `document.getElementById("play").getAttribute("aria-pressed") === "true"`)
		b.press(" ", 0)
		b.until("it stops", `document.getElementById("play").getAttribute("aria-pressed") === "false"`)
	})
	t.Run("a picture is dropped in", func(t *testing.T) {
		b.t = t
		drop := func(name, kind, bytes string) {
			js[any](b, fmt.Sprintf(`(() => { const d = new DataTransfer(); d.items.add(new File([%s], %q, { type: %q }));
				document.dispatchEvent(new DragEvent("dragover", { dataTransfer: d, bubbles: true, cancelable: true }));
				document.getElementById("drop").dispatchEvent(new DragEvent("drop", { dataTransfer: d, bubbles: true, cancelable: true })); })()`, bytes, name, kind))
		}
		numbers := strings.Trim(strings.ReplaceAll(fmt.Sprint(mustPNG(t, e, e.shown.gallery.images[7])), " ", ","), "[]")
		changed("the picture's code is decoded", func() { drop("seven.png", "image/png", "new Uint8Array(["+numbers+"])") })
		b.until("the picture is taken apart", `document.getElementById("verdict").textContent.startsWith("seven.png: squared error") && document.getElementById("difference").naturalWidth === 12`)
		b.once("a text is refused", `!document.getElementById("failure").hidden && document.getElementById("failure").textContent.includes("seven.txt is not a picture")`,
			func() { drop("seven.txt", "text/plain", `"seven"`) })
		path := filepath.Join(t.TempDir(), "chosen.png")
		if err := os.WriteFile(path, mustPNG(t, e, e.shown.gallery.images[9]), 0o666); err != nil {
			t.Fatal(err)
		}
		var document struct{ Root struct{ NodeID int } }
		b.result("DOM.getDocument", nil, &document)
		var input struct{ NodeID int }
		b.result("DOM.querySelector", map[string]any{"nodeId": document.Root.NodeID, "selector": "#file"}, &input)
		b.result("DOM.setFileInputFiles", map[string]any{"nodeId": input.NodeID, "files": []string{path}}, nil)
		b.until("a chosen file is taken apart", `document.getElementById("verdict").textContent.startsWith("chosen.png")`)
		js[any](b, `(() => { document.getElementById("failure").hidden = true; })()`)
	})
	t.Run("two codes are morphed", func(t *testing.T) {
		b.t = t
		frames := `[...document.querySelectorAll("#frames img")].map(i => i.src).join()`
		before := js[string](b, frames)
		click("mean")
		click("pin-b")
		b.until("the frames are new", fmt.Sprintf("%s !== %q", frames, before))
		before = js[string](b, frames)
		b.choose("way", "linear")
		b.until("the linear way is another", fmt.Sprintf("%s !== %q", frames, before))
		changed("the slider goes from A to B", func() { focus("time"); b.press("ArrowLeft", 0); b.press("ArrowLeft", 0) })
		changed("a frame is taken", func() { js[any](b, `document.querySelectorAll("#frames button")[0].click()`) })
	})
	t.Run("a morph is saved", func(t *testing.T) {
		b.t = t
		click("save-morph")
		animation, err := gif.DecodeAll(bytes.NewReader(b.saved("morph.gif")))
		if err != nil {
			t.Fatal(err)
		}
		if frames := len(animation.Image); frames != 2*6+2*23 || animation.LoopCount != 0 {
			t.Errorf("the animation has %d frames and repeats %d times", frames, animation.LoopCount)
		}
	})
	t.Run("images are selected", func(t *testing.T) { b.t = t; selectImages(b) })
	t.Run("neighbours lie beside each other", func(t *testing.T) {
		b.t = t
		canvas := `document.getElementById("map").toDataURL()`
		before := js[string](b, canvas)
		b.choose("layout", "tsne")
		b.until("the map says what it shows", `document.getElementById("map-share").textContent.includes("neighbours") && document.getElementById("map-busy").hidden`)
		b.until("the places are others", fmt.Sprintf("%s !== %q", canvas, before))
		left, top, width, height := b.box("map")
		changed("a press on it decodes", func() { b.mouse("mousePressed", left+0.4*width, top+0.4*height, 1) })
		b.mouse("mouseReleased", left+0.4*width, top+0.4*height, 0)
		before = js[string](b, canvas)
		changed("the image is another", func() { click("draw") })
		b.until("the cursor goes to the nearest image", fmt.Sprintf("%s !== %q", canvas, before))
		lasso(b, 0, 1)
		if n := selectedImages(b); n != 80 {
			t.Errorf("a lasso around all selects %d images of 80", n)
		}
		b.picture("neighbours", false)
		b.choose("layout", "pca")
		b.until("the way back is open", `document.getElementById("map-share").textContent.includes("principal directions") && document.getElementById("selection").hidden`)
	})
	t.Run("samples are drawn", func(t *testing.T) {
		b.t = t
		grid := `[...document.querySelectorAll("#sample-grid img")].map(i => i.src).join()`
		before := js[string](b, grid)
		click("more-samples")
		b.until("they are others", fmt.Sprintf("%s !== %q && document.querySelectorAll('#sample-grid img').length === 16", grid, before))
		changed("one is taken", func() { js[any](b, `document.querySelector("#sample-grid button").click()`) })
	})
	t.Run("a run is watched", func(t *testing.T) {
		b.t = t
		b.until("the curve is there", `document.getElementById("progress").textContent.startsWith("Step 240, epoch 5")`)
		b.once("the run is live", `document.getElementById("state").textContent === "training now"`, func() {
			appendTo(t, metrics, `{"kind":"step","epoch":5,"step":241,"loss":31.5}`+"\n")
			appendTo(t, metrics, `{"kind":"diagnosis","epoch":5,"step":241,"explained_variance":0.61,"active":6}`+"\n")
		})
		b.until("a new step shows", `document.getElementById("progress").textContent.startsWith("Step 241, epoch 5: loss 31.50") && document.getElementById("progress").textContent.includes("6 active numbers")`)
	})
	t.Run("axes have round numbers", func(t *testing.T) {
		b.t = t
		for asked, want := range map[string]string{"28.8, 124, 5": "40,60,80,100,120", "0, 241, 5": "0,50,100,150,200", "0.00512, 0.0647, 5": "0.02,0.04,0.06", "0, 1, 5": "0,0.2,0.4,0.6,0.8,1", "-3, 2, 5": "-3,-2,-1,0,1,2"} {
			if got := js[string](b, `import("/training.js").then(m => m.ticks(`+asked+`).join())`); got != want {
				t.Errorf("from and to %s there are %s, want %s", asked, got, want)
			}
		}
	})
	t.Run("newer models are taken up", func(t *testing.T) { b.t = t; takeUp(b, e) })
	t.Run("themes and sizes", func(t *testing.T) {
		b.t = t
		paper := `getComputedStyle(document.body).backgroundColor`
		light := js[string](b, paper)
		click("around")
		b.picture("desktop-light", true)
		b.prefers("dark")
		b.until("the system's dark is followed", paper+" !== "+fmt.Sprintf("%q", light))
		b.picture("desktop-dark", true)
		click("theme") // light, whatever the system prefers
		b.until("the toggle wins", paper+" === "+fmt.Sprintf("%q", light))
		click("theme")
		click("theme")
		b.window(390, 844, true)
		b.until("nothing sticks out at a phone's width", `document.documentElement.scrollWidth <= 390`)
		b.picture("phone-dark-whole", true)
		b.prefers("light")
		b.picture("phone-light", false)
		js[any](b, `window.scrollTo(0, 700)`)
		b.picture("phone-light-scrolled", false)
		b.window(820, 1180, true)
		b.until("nor at a tablet's", `document.documentElement.scrollWidth <= 820`)
		b.picture("tablet-light", true)
	})
	t.Run("elements have names", func(t *testing.T) {
		b.t = t
		var tree struct {
			Nodes []struct {
				Ignored    bool
				Role, Name struct{ Value string }
			}
		}
		b.result("Accessibility.getFullAXTree", nil, &tree)
		count := 0
		for _, n := range tree.Nodes {
			switch n.Role.Value {
			case "button", "slider", "combobox", "application", "image", "img":
				if count++; !n.Ignored && n.Name.Value == "" {
					t.Errorf("a %s has no name", n.Role.Value)
				}
			}
		}
		if count < 40 {
			t.Errorf("%d elements, want more", count)
		}
	})
	b.t = t
	b.mutex.Lock()
	defer b.mutex.Unlock()
	for _, line := range b.console {
		t.Errorf("the console says %s", line)
	}
}

// takeUp shows newer models to a page that is open.
func takeUp(b *browser, e *Explorer) {
	b.t.Helper()
	text := func(selector string) string {
		b.t.Helper()
		return js[string](b, fmt.Sprintf(`document.querySelector(%q).textContent`, selector))
	}
	pictures := `[...document.querySelectorAll("#decoded, #frames img, #sample-grid img")].map(i => i.src)`
	b.click("test")
	b.until("an image is opened", `!document.getElementById("look-result").hidden`)
	b.choose("basis", "number")
	verdict, number, before := text("#verdict"), text("#sliders output"), js[[]string](b, pictures)
	replace(b.t, e, 480, 2)
	b.until("the page is of the newer model", `document.getElementById("about").textContent.endsWith("step 480")`)
	b.until("the picture is taken apart by it", fmt.Sprintf(`document.getElementById("verdict").textContent !== %q`, verdict))
	b.until("the image's code is the newer model's", fmt.Sprintf(`document.querySelector("#sliders output").textContent !== %q`, number))
	for i, source := range before {
		b.until(fmt.Sprintf("picture %d is of the newer model", i), fmt.Sprintf(`%s[%d] !== %q`, pictures, i, source))
	}
	b.until("the curve says so", `document.getElementById("progress").textContent.includes("the model of step 480, and newer checkpoints as they come")`)
	b.focus("slider-0")
	b.press("ArrowRight", 0)
	lasso(b, 0, 1)
	b.focus("slider-0")
	number = text("#sliders output")
	source := js[string](b, `document.getElementById("decoded").src`)
	name := text("#sliders label")
	replace(b.t, e, 960, 12)
	b.until("the page is of the newest model", `document.getElementById("about").textContent.endsWith("step 960")`)
	b.until("it decodes the same code", fmt.Sprintf(`document.getElementById("decoded").src !== %q`, source))
	if now := js[string](b, fmt.Sprintf(`[...document.querySelectorAll("#sliders li")].find(l => l.querySelector("label").textContent === %q).querySelector("output").textContent`, name)); now != number {
		b.t.Errorf("the number %s set by hand was %s and is %s", name, number, now)
	}
	if n := selectedImages(b); n != 80 {
		b.t.Errorf("of 80 selected images %d are left", n)
	}
	if focused := js[string](b, `document.activeElement.id`); focused != "slider-0" {
		b.t.Errorf("the focus went to %q", focused)
	}
	b.click("clear")
}

// lasso draws one around a part of the map, in shares of its width.
func lasso(b *browser, from, to float64) {
	b.t.Helper()
	b.click("lasso")
	left, top, width, height := b.box("map")
	at := func(kind string, x, y float64, buttons int) { b.mouse(kind, left+x*width, top+y*height, buttons) }
	const edge = 0.01 // within the round corners
	from, to = max(from, edge), min(to, 1-edge)
	at("mousePressed", from, edge, 1)
	at("mouseMoved", to, edge, 1)
	at("mouseMoved", to, 1-edge, 1)
	at("mouseMoved", from, 1-edge, 1)
	at("mouseReleased", from, 1-edge, 0)
	b.until("the lasso is closed", `document.getElementById("lasso").getAttribute("aria-pressed") === "false" && !document.getElementById("selection").hidden`)
}

// selectedImages is how many the page says are selected, all of which it shows.
func selectedImages(b *browser) int {
	b.t.Helper()
	n := js[int](b, `Number.parseInt(document.getElementById("selected").textContent) || 0`)
	if shown := js[int](b, `document.querySelectorAll("#gallery img").length`); shown != n {
		b.t.Errorf("%d images are selected, and %d shown", n, shown)
	}
	return n
}

// selectImages selects images by hand and by keys, opens one and saves the list.
func selectImages(b *browser) {
	b.t.Helper()
	lasso(b, 0, 0.5)
	some := selectedImages(b)
	b.until("their pictures load", `[...document.querySelectorAll("#gallery img")].slice(0, 5).every(i => i.naturalWidth === 12)`)
	b.picture("lasso", false)
	lasso(b, 0.5, 1)
	others := selectedImages(b)
	if some == 0 || others == 0 || some+others != 80 {
		b.t.Errorf("the left half of the map has %d images and the right one %d, of 80", some, others)
	}
	verdict := js[string](b, `document.getElementById("verdict").textContent`)
	js[any](b, `document.querySelectorAll("#gallery button")[1].click()`)
	b.until("a selected image is opened", fmt.Sprintf(`document.getElementById("verdict").textContent !== %q`, verdict))
	b.focus("around")
	b.press("Enter", 0)
	few := selectedImages(b)
	b.focus("reach")
	for range 12 {
		b.press("ArrowRight", 0)
	}
	more := selectedImages(b)
	if few == 0 || more <= few {
		b.t.Errorf("around the cursor are %d images, and farther %d", few, more)
	}
	b.click("save-selection")
	if lines := strings.Split(strings.TrimSpace(string(b.saved("selection.csv"))), "\n"); len(lines) != more+1 || lines[0] != "image,name,class,squared_error" {
		b.t.Errorf("the list of %d images has %d lines, the first of which is %q", more, len(lines), lines[0])
	}
	b.focus("clear")
	b.press("Enter", 0)
	b.until("nothing is selected", `document.getElementById("selection").hidden`)
}

// A model that is told classes decodes what is asked for.
func TestAConditionalModelInABrowser(t *testing.T) {
	b := openBrowser(t)
	m, err := models.NewCVAE(models.CVAESpec{VAESpec: models.VAESpec{Spec: small}, Classes: 10}, 1)
	if err != nil {
		t.Fatal(err)
	}
	_, url, _ := serve(t, trained(t, m, 30))
	b.window(1440, 1100, false)
	b.open(url)
	b.until("the classes can be chosen", `!document.getElementById("told").hidden && document.getElementById("class").options.length === 10`)
	all := map[string]string{"the image": `document.getElementById("decoded").src`}
	for what, id := range map[string]string{"the samples": "sample-grid", "the morph": "frames"} {
		all[what] = `[...document.querySelectorAll("#` + id + ` img")].map(i => i.src).join()`
	}
	before := map[string]string{}
	for what, source := range all {
		b.until(what+" is there", source)
		before[what] = js[string](b, source)
	}
	class := js[string](b, `document.getElementById("class").value`)
	b.focus("class")
	if b.press("ArrowDown", 0); class == "9" {
		b.press("ArrowUp", 0)
	}
	b.until("a key chooses another class", fmt.Sprintf(`document.getElementById("class").value !== %q`, class))
	for what, source := range all {
		b.until(what+" is of the class", fmt.Sprintf("%s !== %q", source, before[what]))
	}
	b.picture("conditional", false)
	verdict := `document.getElementById("verdict").textContent`
	b.click("test")
	b.until("a test image brings its class", verdict+`.includes("class " + document.getElementById("class").selectedOptions[0].textContent + ":")`)
	b.choose("class", "7")
	js[any](b, `(async () => { const d = new DataTransfer(); d.items.add(new File([await (await fetch("/api/images/5")).blob()], "five.png", { type: "image/png" }));
		document.dispatchEvent(new DragEvent("drop", { dataTransfer: d, bubbles: true, cancelable: true })); })()`)
	b.until("a picture is taken for the chosen class", verdict+`.startsWith("five.png") && performance.getEntriesByType("resource").some(e => e.name.endsWith("/api/picture?label=7"))`)
	if len(b.console) > 0 {
		t.Errorf("the console says %v", b.console)
	}
}

// An autoencoder has no prior, and a set may have no classes.
func TestAnAutoencoderInABrowser(t *testing.T) {
	b := openBrowser(t)
	e, url, _ := serve(t, trained(t, ae(t), 4))
	e.shown.gallery.classes = nil
	for i := range e.shown.gallery.labels {
		e.shown.gallery.labels[i] = -1
	}
	b.window(1440, 1100, false)
	b.open(url)
	b.until("the sliders give deviations", `document.querySelector("#sliders .weight").textContent.endsWith("σ")`)
	b.until("the colours are those of the error", `document.getElementById("colour").value === "error" && document.getElementById("legend").textContent.includes("squared error")`)
	b.until("nothing is said of a run without metrics", `document.getElementById("state").textContent === "no metrics yet"`)
	b.picture("autoencoder", false)
	if len(b.console) > 0 {
		t.Errorf("the console says %v", b.console)
	}
}
