package report

import (
	"bytes"
	"context"
	"encoding/xml"
	"flag"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"hourglass/data"
	"hourglass/graph"
	"hourglass/internal/picture"
	"hourglass/internal/verdict"
	"hourglass/models"
	"hourglass/train"
)

// measured studies a model on drawn glyphs, and evaluates it on the same.
func measured(t *testing.T, variational bool, beside *Study) (*Study, train.Metrics) {
	t.Helper()
	_, images, err := data.Open("glyphs:1x12x12,n=10,test=64", data.Options{})
	if err != nil {
		t.Fatal(err)
	}
	device, err := graph.OpenDevice(graph.CPU, 1)
	if err != nil {
		t.Fatal(err)
	}
	defer device.Close()
	spec := models.MLP(models.Shape{C: 1, H: 12, W: 12}, []int{16}, 3, models.ReLU)
	var model models.Model
	if variational {
		model, err = models.NewVAE(models.VAESpec{Spec: spec}, 1)
	} else {
		model, err = models.New(spec, 1)
	}
	if err != nil {
		t.Fatal(err)
	}
	runner, err := train.NewRunner(device, model, 64)
	if err != nil {
		t.Fatal(err)
	}
	defer runner.Close()
	study, err := Measure(Subject{Model: model, Runner: runner, Images: images, Normal: variational, Samples: 5, Beside: beside})
	if err != nil {
		t.Fatal(err)
	}
	metrics, err := runner.Evaluate(context.Background(), images)
	if err != nil {
		t.Fatal(err)
	}
	return study, metrics
}

// TestSamplesOfEveryPrior wants samples of models whose prior is learned, has
// levels, or comes with a class, and of the distribution that fits those without.
func TestSamplesOfEveryPrior(t *testing.T) {
	_, images, err := data.Open("glyphs:1x12x12,n=32,test=32", data.Options{})
	if err != nil {
		t.Fatal(err)
	}
	device, err := graph.OpenDevice(graph.CPU, 1)
	if err != nil {
		t.Fatal(err)
	}
	defer device.Close()
	spec := models.MLP(models.Shape{C: 1, H: 12, W: 12}, []int{16}, 3, models.ReLU)
	levels := spec
	levels.Latent = 0
	for name, build := range map[string]func() (models.Model, error){
		"vamp": func() (models.Model, error) {
			return models.NewVamp(models.VampSpec{VAESpec: models.VAESpec{Spec: spec}, Components: 3}, 1)
		},
		"hvae": func() (models.Model, error) {
			return models.NewHVAE(models.HVAESpec{VAESpec: models.VAESpec{Spec: levels}, Levels: []int{3, 2}}, 1)
		},
		"cvae": func() (models.Model, error) {
			return models.NewCVAE(models.CVAESpec{VAESpec: models.VAESpec{Spec: spec}, Classes: 10}, 1)
		},
		"wae": func() (models.Model, error) { return models.NewWAE(models.WAESpec{Spec: spec}, 1) },
		"vq":  func() (models.Model, error) { return models.NewVQ(models.VQSpec{Spec: spec, Entries: 8}, 1) },
	} {
		model, err := build()
		if err != nil {
			t.Fatal(err)
		}
		runner, err := train.NewRunner(device, model, 16)
		if err != nil {
			t.Fatal(err)
		}
		defer runner.Close()
		study, err := Measure(Subject{Model: model, Runner: runner, Images: images, Samples: 5})
		if err != nil {
			t.Fatal(err)
		}
		if _, prior := model.(models.Prior); prior != (name != "vq") || prior != (study.Drawn == "the prior") || len(study.Samples) != 5 {
			t.Errorf("%s: %d samples", name, len(study.Samples))
		}
	}
}

// TestMeasure holds a study against the evaluation of the same images: errors
// have the same mean, and divergences the same sum.
func TestMeasure(t *testing.T) {
	for _, variational := range []bool{false, true} {
		s, metrics := measured(t, variational, nil)
		sum := 0.0
		for _, p := range s.Points {
			sum += p.MSE
		}
		if got := sum / float64(s.Looked); s.Looked != 64 || math.Abs(got-metrics.MSE) > 1e-9 {
			t.Errorf("the errors of %d images have mean %g, want %g", s.Looked, got, metrics.MSE)
		}
		order := slices.Concat(s.Best, s.Typical)
		reversed := slices.Clone(s.Worst)
		slices.Reverse(reversed)
		order = append(order, reversed...)
		if len(order) != 3*shown || !slices.IsSortedFunc(order, func(a, b Pair) int { return int(math.Copysign(1, a.MSE-b.MSE)) }) {
			t.Errorf("%d pairs, want %d from the best to the worst", len(order), 3*shown)
		}
		if len(s.Classes) != 10 || len(s.Deviation) != 3 || len(s.Traversals) != 3 || len(s.Traversals[0].Images) != stops {
			t.Errorf("%d classes, %d deviations, %d traversals", len(s.Classes), len(s.Deviation), len(s.Traversals))
		}
		if !(s.Explained > 0.5 && s.Explained <= 1) {
			t.Errorf("the plane of 3 numbers explains %g", s.Explained)
		}
		if !variational {
			if s.Divergence != nil || len(s.Samples) != 5 || !strings.Contains(s.Drawn, "fits") {
				t.Error("codes without a distribution have a divergence or samples")
			}
			continue
		}
		total := 0.0
		for _, d := range s.Divergence {
			total += d
		}
		if want := metrics.Terms[1].Value; math.Abs(total-want) > 1e-4*want || len(s.Samples) != 5 {
			t.Errorf("the divergences add up to %g, want %g; %d samples, want 5", total, want, len(s.Samples))
		}
	}
}

// TestFormulas compares with what is computed by hand.
func TestFormulas(t *testing.T) {
	all := codes{[]float32{1, 0, 3, 0, 2, 0.5, 2, -0.5}, 2}
	if got := all.centre([]float64{1, 0}); got != 2 {
		t.Errorf("the centre lies at %g, want 2", got)
	}
	if got := deviation(all.column(1)); math.Abs(got-math.Sqrt(0.125)) > 1e-12 {
		t.Errorf("the deviation is %g, want √0.125", got)
	}
	if got := divergence(codes{[]float32{1, 0}, 2}, codes{[]float32{0, 0}, 2}); got[0] != 0.5 || got[1] != 0 {
		t.Errorf("divergences %g, want 0.5 of a mean of 1, and 0 of the prior itself", got)
	}
}

// example is a run whose texts try to break out.
func example(t *testing.T, variational bool) Run {
	study, metrics := measured(t, variational, nil)
	x, evil := metrics.MSE, `<script>alert("x")</script>`
	h := &train.History{}
	for step := 1; step <= 400; step++ {
		h.Steps = append(h.Steps, train.Record{Epoch: 1, Step: step, Values: map[string]float64{"loss": 1 / float64(step), "kl": 2, "rate": 1e-3, "images_per_second": 100}})
	}
	h.Epochs = []train.Record{{Epoch: 1, Step: 400, Values: map[string]float64{"loss": 0.5, "mse": 0.1, "psnr": 10, "kl": 2}}}
	study.Best[0].Name, study.Points[3].Name = evil, evil
	return Run{
		Name: evil, About: "glyphs & more", Begun: time.Unix(1e9, 0).UTC(), Judged: "test", History: h, Study: study,
		Verdict: &verdict.Verdict{Unit: "nats/img", Images: 64, Rows: []verdict.Row{{Name: "this model", MSE: &x, Loss: &x}, {Name: evil, MSE: &x}},
			Sentence: "The model < PCA.", Terms: []train.Term{{Term: models.Term{Name: "kl", Short: "kl", Weight: 4}, Value: 2}}},
		Facts: []Fact{{"parameters", "12"}}, Settings: []Setting{{evil, evil, "flag", true}, {"train.rate", "0.001", "default", false}},
		Environment: []Fact{{"host", evil}}, Commands: []string{"hourglass train '" + evil + "'"}, Again: "hourglass train",
	}
}

// checkPage wants a page to be well-formed, to hold everything that it needs,
// and to allow itself no more than that.
func checkPage(t *testing.T, page string, most int) {
	t.Helper()
	if len(page) > most {
		t.Errorf("the page has %d bytes, want at most %d", len(page), most)
	}
	for _, pattern := range []string{`https?://`, `(?i)@import`, `url\(`, `(?i)\sstyle=`, `(?i)<[^>]*\son[a-z]+=`, `(src|href)="[^d]`, `src="data:text`, `alert\("x"\)<`, `NaN`, `<no value>`} {
		if found := regexp.MustCompile(pattern).FindString(page); found != "" {
			t.Errorf("the page holds %q", found)
		}
	}
	for name, text := range map[string]string{"style-src": style, "script-src": script} {
		if !strings.Contains(page, name+" 'sha256-"+hash(text)+"'") || strings.Count(page, text) != 1 {
			t.Errorf("the policy's %s is not the hash of what is in the page", name)
		}
	}
	if strings.Count(page, "<script") != 1 || strings.Count(page, "<style") != 1 {
		t.Error("the page has a script or a style besides its own")
	}
	body := strings.NewReplacer(style, "", script, "", "<!DOCTYPE html>", "").Replace(page)
	d := xml.NewDecoder(strings.NewReader(body))
	d.Strict, d.AutoClose, d.Entity = false, []string{"meta", "img"}, xml.HTMLEntity
	var open []string
	for {
		token, err := d.Token()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatalf("the page is not well-formed: %v", err)
		}
		switch e := token.(type) {
		case xml.StartElement:
			open = append(open, e.Name.Local)
		case xml.EndElement:
			if n := len(open); n == 0 || open[n-1] != e.Name.Local {
				t.Fatalf("</%s> ends %v", e.Name.Local, open)
			}
			open = open[:len(open)-1]
		}
	}
	if len(open) > 0 {
		t.Errorf("%v are not ended", open)
	}
}

// TestRunPage makes reports of both kinds of models, and one of a run of which
// nothing is known.
func TestRunPage(t *testing.T) {
	for _, variational := range []bool{false, true} {
		var page, again bytes.Buffer
		r := example(t, variational)
		if err := r.HTML(&page); err != nil {
			t.Fatal(err)
		}
		checkPage(t, page.String(), 300<<10)
		if err := r.HTML(&again); err != nil || !bytes.Equal(page.Bytes(), again.Bytes()) {
			t.Errorf("made again, the page differs (%v)", err)
		}
		for text, want := range map[string]bool{
			"The model &lt; PCA.": true, "<h2>Samples": true, "drawn from the prior": variational, "nats about an image": variational, "what the most varying one does": !variational,
			"Term: divergence of the codes (weighs 4)": true, `class="spot f3"`: true, "All 2 settings": true, "Squared error, validation": true,
		} {
			if strings.Contains(page.String(), text) != want {
				t.Errorf("of a variational model %v, %q occurs: %v, want %v", variational, text, !want, want)
			}
		}
		if n := strings.Count(page.String(), `<circle class="spot`); n != 64 {
			t.Errorf("%d spots, want 64", n)
		}
	}
	var page bytes.Buffer
	if err := (Run{Name: "bare"}).HTML(&page); err != nil {
		t.Fatal(err)
	}
	checkPage(t, page.String(), 64<<10)
}

var browser = flag.String("browser", "", "a Chromium, to open the pages in")

// TestInBrowser lets a browser run the script, which the page's own policy must
// allow: it makes each chart reachable by keyboard, and a place for its values.
func TestInBrowser(t *testing.T) {
	if *browser == "" {
		t.Skip("no browser is given: the pages were not opened in one (go test ./internal/report -browser PATH)")
	}
	for name, made := range map[string]struct {
		page interface{ HTML(io.Writer) error }
		maps int
	}{"run": {example(t, true), 1}, "comparison": {comparison(t), 2}} {
		var page, complaints bytes.Buffer
		if err := made.page.HTML(&page); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(t.TempDir(), "page.html")
		if err := os.WriteFile(path, page.Bytes(), 0o666); err != nil {
			t.Fatal(err)
		}
		command := exec.Command(*browser, "--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr", "--dump-dom", "file://"+path)
		command.Stderr = &complaints
		text, err := command.Output()
		if err != nil {
			t.Fatalf("%s: %v: %s", name, err, complaints.String())
		}
		charts := strings.Count(page.String(), `<svg class="chart"`)
		if n := strings.Count(string(text), `class="tip"`); charts < 3 || n != charts+made.maps {
			t.Errorf("%s: %d places for values of %d charts and %d maps", name, n, charts, made.maps)
		}
		if strings.Contains(complaints.String(), "CONSOLE") {
			t.Errorf("%s: the browser complains: %s", name, complaints.String())
		}
	}
}

// keyWalk presses arrow keys at each spot of a map and says how many spots they lead
// to from the first, and whether each key leads its way.
const keyWalk = `<script>
const map = document.querySelector("svg.codes"), spots = [...map.querySelectorAll(".spot")];
const at = () => spots.findIndex(s => s.classList.contains("on"));
const place = i => ["cx", "cy"].map(name => Number(spots[i].getAttribute(name)));
const point = i => {
  const box = map.getBoundingClientRect(), view = map.viewBox.baseVal, [x, y] = place(i);
  map.dispatchEvent(new PointerEvent("pointermove", { clientX: box.left + x * box.width / view.width, clientY: box.top + y * box.height / view.height }));
};
const ways = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const press = key => map.dispatchEvent(new KeyboardEvent("keydown", { key }));
press("ArrowLeft");
const reached = new Set([at()]);
let astray = 0;
for (const i of reached) for (const key in ways) {
  point(i);
  const from = place(at());
  press(key);
  const to = place(at()), ahead = (to[0] - from[0]) * ways[key][0] + (to[1] - from[1]) * ways[key][1];
  if (ahead < 0 || ahead === 0 && from.join() !== to.join()) astray++;
  reached.add(at());
}
document.body.append("keys lead to " + reached.size + " of " + spots.length + " spots, " + astray + " astray");
</script>`

// TestMapByKeyboard lets arrow keys walk over a map, in a copy of the page without
// its policy.
func TestMapByKeyboard(t *testing.T) {
	if *browser == "" {
		t.Skip("no browser is given: no key was pressed (go test ./internal/report -browser PATH)")
	}
	var page bytes.Buffer
	if err := example(t, true).HTML(&page); err != nil {
		t.Fatal(err)
	}
	free := regexp.MustCompile(`<meta http-equiv="Content-Security-Policy"[^>]*>`).ReplaceAllString(page.String(), "")
	path := filepath.Join(t.TempDir(), "page.html")
	if err := os.WriteFile(path, []byte(strings.Replace(free, "</body>", keyWalk+"</body>", 1)), 0o666); err != nil {
		t.Fatal(err)
	}
	text, err := exec.Command(*browser, "--headless", "--no-sandbox", "--disable-gpu", "--dump-dom", "file://"+path).Output()
	if err != nil {
		t.Fatal(err)
	}
	said := regexp.MustCompile(`keys lead to (\d+) of (\d+) spots, (\d+) astray`).FindStringSubmatch(string(text))
	if said == nil {
		t.Fatal("the walk did not end")
	}
	if said[1] != said[2] || said[3] != "0" {
		t.Error(said[0])
	}
}

// TestMapWithoutClasses colours codes by the error of their images.
func TestMapWithoutClasses(t *testing.T) {
	r := example(t, false)
	r.Study.Classes = nil
	for i := range r.Study.Points {
		r.Study.Points[i].Class = -1
	}
	var page bytes.Buffer
	if err := r.HTML(&page); err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{`spot q1"`, `spot q5"`, "most error"} {
		if !strings.Contains(page.String(), text) {
			t.Errorf("%q is missing", text)
		}
	}
}

// comparison is of two runs that looked at the same images.
func comparison(t *testing.T) Comparison {
	t.Helper()
	a, b := example(t, false), example(t, true)
	b.Verdict = nil // never judged: its losses have no known unit
	return Comparison{
		Runs:        []Compared{{a.Name, a}, {"b", b}},
		Table:       [][]string{{"", "a", "b"}, {"mse/px", "0.1", "–"}},
		Differences: [][]string{{"setting", "a", "b"}},
		Sheet:       []picture.Row{{Caption: "images", Images: a.Study.Thumbs[:4]}, {Caption: a.Name, Images: a.Study.Thumbs[:4]}},
	}
}

func TestComparisonPage(t *testing.T) {
	c := comparison(t)
	var page bytes.Buffer
	if err := c.HTML(&page); err != nil {
		t.Fatal(err)
	}
	checkPage(t, page.String(), 300<<10)
	for text, want := range map[string]int{
		"Nothing but where": 1, "<figcaption>Loss in training": 2, "<figcaption>Squared error in validation": 1,
		"Drawn from the prior.": 1, "Drawn from the normal distribution": 1, `<svg class="codes"`: 2, `id="sprite"`: 1,
		`<circle class="spot`: 2 * 64, `<span>direction 1</span>`: 1, " nats</small>": 3,
	} {
		if got := strings.Count(page.String(), text); got != want {
			t.Errorf("%q occurs %d times, want %d", text, got, want)
		}
	}

	c.Runs[0].Run.Study, c.Runs[1].Run.Study = nil, nil // of other images, both
	page.Reset()
	if err := c.HTML(&page); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(page.String(), "<h2>Samples") {
		t.Error("the page has samples of no run")
	}
}

// TestStudyBeside begins traversals at the other study's image.
func TestStudyBeside(t *testing.T) {
	first, _ := measured(t, false, nil)
	other := (first.From + 1) % first.Looked
	second, _ := measured(t, false, &Study{From: other})
	if second.From != other {
		t.Errorf("traversals begin at image %d, want %d", second.From, other)
	}
	if same := slices.Equal(first.Traversals[0].Images[4].Pixels, second.Traversals[0].Images[4].Pixels); same {
		t.Error("the traversals of two images are the same")
	}
}
