package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"image"
	"image/png"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"hourglass/bench"
)

// plan is what was asked for.
type plan struct {
	program, preset  string
	endpoints        []string
	batches, clients []int
	period           time.Duration
	serve            []string // the run, and further arguments of the server
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "loadtest:", err)
		os.Exit(1)
	}
}

func run() error {
	p := plan{}
	var endpoints, batches, clients string
	flag.StringVar(&p.program, "hourglass", "bin/hourglass", "the program")
	flag.StringVar(&p.preset, "preset", "glyphs/conv-vae", "what is trained for an epoch and served, without a run; how good it gets makes no difference to the times")
	flag.StringVar(&endpoints, "endpoint", "encode,decode,reconstruct,score", "what is asked for, with commas between")
	flag.StringVar(&batches, "batches", "1,8,32", "batch sizes of the server")
	flag.StringVar(&clients, "clients", "1,8,32", "clients at a time")
	flag.DurationVar(&p.period, "for", 3*time.Second, "time of each measurement")
	flag.Usage = func() {
		fmt.Fprintln(flag.CommandLine.Output(), "loadtest [flags] [RUN [flags of hourglass serve]]")
		flag.PrintDefaults()
	}
	flag.Parse()
	var err1, err2 error
	p.endpoints = strings.Split(endpoints, ",")
	p.batches, err1 = counts(batches)
	p.clients, err2 = counts(clients)
	if err := errors.Join(err1, err2); err != nil {
		return err
	}
	if p.serve = flag.Args(); len(p.serve) == 0 {
		folder, err := os.MkdirTemp("", "loadtest")
		if err != nil {
			return err
		}
		defer os.RemoveAll(folder)
		if err := p.train(folder); err != nil {
			return err
		}
	}
	return p.table(os.Stdout)
}

// train makes a run to serve in a folder.
func (p *plan) train(folder string) error {
	command := exec.Command(p.program, "train", p.preset, "--epochs", "1", "--dir", folder, "--name", "served", "--quiet")
	command.Stdout, command.Stderr = os.Stderr, os.Stderr
	if err := command.Run(); err != nil {
		return fmt.Errorf("training a model to serve: %w", err)
	}
	p.serve = []string{"served", "--dir", folder}
	return nil
}

// table measures everything and writes it as Markdown.
func (p plan) table(w io.Writer) error {
	o := bench.Here()
	fmt.Fprintf(w, "%s, commit %s, %s, %s", o.Date, o.Commit, o.Machine, o.Go)
	if text, err := os.ReadFile("/proc/loadavg"); err == nil {
		fmt.Fprintf(w, ", load average %s before", strings.Join(strings.Fields(string(text))[:3], " "))
	}
	fmt.Fprintf(w, "\n\n| endpoint | `--batch` | clients | requests/s | p50 ms | p99 ms | images a batch |\n| --- | --- | --- | --- | --- | --- | --- |\n")
	for _, batch := range p.batches {
		if err := p.measure(w, batch); err != nil {
			return err
		}
	}
	return nil
}

func counts(text string) (all []int, err error) {
	for field := range strings.SplitSeq(text, ",") {
		n, err := strconv.Atoi(field)
		if err != nil || n < 1 {
			return nil, fmt.Errorf("%q is no list of counts such as 1,8,32", text)
		}
		all = append(all, n)
	}
	return all, nil
}

// measure starts a server with one batch size, asks it and writes rows of the table.
func (p plan) measure(w io.Writer, batch int) (err error) {
	server := exec.Command(p.program, append([]string{"serve", "--json", "--listen", "127.0.0.1:0", "--batch", strconv.Itoa(batch)}, p.serve...)...)
	server.Stderr = os.Stderr
	out, err := server.StdoutPipe()
	if err == nil {
		err = server.Start()
	}
	if err != nil {
		return fmt.Errorf("starting the server: %w", err)
	}
	defer func() {
		server.Process.Signal(syscall.SIGTERM)
		if ended := server.Wait(); err == nil && ended != nil {
			err = fmt.Errorf("the server ended with %w", ended)
		}
	}()
	var begun struct{ URL string }
	line, err := bufio.NewReader(out).ReadBytes('\n')
	if err == nil {
		err = json.Unmarshal(line, &begun)
	}
	if err != nil {
		return fmt.Errorf("the server did not say where it listens: %w", err)
	}
	for _, endpoint := range p.endpoints {
		kind, body, err := request(begun.URL, endpoint)
		if err != nil {
			return err
		}
		for _, clients := range p.clients {
			row, err := p.ask(begun.URL, endpoint, kind, body, clients)
			if err != nil {
				return err
			}
			fmt.Fprintf(w, "| %s | %d | %d | %s |\n", endpoint, batch, clients, row)
		}
	}
	return nil
}

// request makes the body that is sent: a PNG of noise, or a code in JSON.
func request(url, endpoint string) (kind string, body []byte, err error) {
	response, err := http.Get(url + "/v1/model")
	if err != nil {
		return "", nil, err
	}
	defer response.Body.Close()
	var model struct {
		Code  int `json:"code_size"`
		Input struct{ Height, Width int }
	}
	if err := json.NewDecoder(response.Body).Decode(&model); err != nil {
		return "", nil, fmt.Errorf("reading the description of the model: %w", err)
	}
	random := rand.New(rand.NewPCG(1, 1))
	if endpoint == "decode" {
		code := make([]float64, model.Code)
		for i := range code {
			code[i] = random.NormFloat64()
		}
		body, err = json.Marshal(map[string]any{"codes": [][]float64{code}, "format": "png"})
		return "application/json", body, err
	}
	picture := image.NewGray(image.Rect(0, 0, model.Input.Width, model.Input.Height))
	for i := range picture.Pix {
		picture.Pix[i] = uint8(random.IntN(256))
	}
	var file bytes.Buffer
	err = png.Encode(&file, picture)
	return "image/png", file.Bytes(), err
}

// ask lets clients ask for the period, and until each has an answer, and returns the
// row of the table. What they ask in a tenth of the period before does not count.
func (p plan) ask(url, endpoint, kind string, body []byte, clients int) (row string, err error) {
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: clients}}
	defer client.CloseIdleConnections()
	before, err := batchesOf(url)
	if err != nil {
		return "", err
	}
	counting := time.Now().Add(p.period / 10)
	end := counting.Add(p.period)
	var mutex sync.Mutex
	var all []time.Duration
	var failed error
	var asking sync.WaitGroup
	for range clients {
		asking.Go(func() {
			var times []time.Duration
			var err error
			for begun := time.Now(); err == nil && (begun.Before(end) || len(times) == 0); begun = time.Now() {
				if err = post(client, url+"/v1/"+endpoint, kind, body); begun.After(counting) {
					times = append(times, time.Since(begun))
				}
			}
			mutex.Lock()
			defer mutex.Unlock()
			all, failed = append(all, times...), errors.Join(failed, err)
		})
	}
	asking.Wait()
	took := time.Since(counting)
	if failed != nil {
		return "", failed
	}
	after, err := batchesOf(url)
	if err != nil {
		return "", err
	}
	slices.Sort(all)
	at := func(share float64) float64 { return all[int(share*float64(len(all)-1))].Seconds() * 1000 }
	return fmt.Sprintf("%.0f | %.2f | %.2f | %.1f", float64(len(all))/took.Seconds(), at(0.5), at(0.99),
		(after.images-before.images)/max(after.runs-before.runs, 1)), nil
}

func post(client *http.Client, url, kind string, body []byte) error {
	response, err := client.Post(url, kind, bytes.NewReader(body))
	if err != nil {
		return err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s %s", url, response.Status, text)
	}
	return err
}

// batched is how many images the model has run over, and in how many runs.
type batched struct{ images, runs float64 }

var sums = regexp.MustCompile(`(?m)^hourglass_batch_images_(sum|count)\{.*\} (\S+)$`)

// batchesOf reads them from the server's metrics.
func batchesOf(url string) (b batched, err error) {
	response, err := http.Get(url + "/metrics")
	if err != nil {
		return b, err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	for _, m := range sums.FindAllSubmatch(text, -1) {
		value, _ := strconv.ParseFloat(string(m[2]), 64) // our own writing
		if string(m[1]) == "sum" {
			b.images += value
		} else {
			b.runs += value
		}
	}
	return b, err
}
