package main

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"hourglass/internal/terminal"
	"hourglass/internal/verdict"
	"hourglass/models"
	"hourglass/train"
)

// show prints a verdict as a table and a sentence.
func (s *session) show(v *verdict.Verdict, judged string) {
	columns := []struct {
		head   string
		values func(verdict.Row) *float64
	}{
		{"mse/px", func(r verdict.Row) *float64 { return r.MSE }},
		{"PSNR dB", func(r verdict.Row) *float64 { return r.PSNR }},
		{v.Unit, func(r verdict.Row) *float64 { return r.Loss }},
	}
	if v.Unit == columns[0].head {
		columns = columns[:2]
	}
	table := terminal.Table{Title: fmt.Sprintf("%d %s images", v.Images, judged), Head: []string{""}}
	for _, row := range v.Rows {
		table.Rows = append(table.Rows, []string{row.Name})
	}
	for _, column := range columns {
		table.Head = append(table.Head, column.head)
		var values []*float64
		for _, row := range v.Rows {
			values = append(values, column.values(row))
		}
		for i, text := range alike(values) {
			table.Rows[i] = append(table.Rows[i], text)
		}
	}
	s.print("")
	s.table(table)
	s.print("")
	if len(v.Terms) > 0 {
		s.print("loss %s %s%s", digits(*v.Rows[0].Loss), v.Unit, split(v.Terms))
	}
	s.print("%s", v.Sentence)
}

// detail prints what a closer look has shown.
func (s *session) detail(d *verdict.Detail) {
	if d == nil {
		return
	}
	psnr := ""
	if d.MeanPSNR != nil {
		psnr = fmt.Sprintf("PSNR %.2f dB (that of the table is of the mean error, in which the worst images weigh most), ", *d.MeanPSNR)
	}
	s.print("means over the %d images, one by one: %sSSIM %.4f, MS-SSIM %.4f (scales: %d)", d.Images, psnr, d.SSIM, d.MultiScale, d.Scales)
	if c := d.Codes; c != nil {
		s.print("ELBO %s nats/img: −(recon %s + kl %s); MMD of the codes to the prior %.2g", digits(c.ELBO), digits(c.Reconstruction), digits(c.KL), c.MMD)
		if c.LogLikelihood != nil {
			s.print("log-likelihood, importance-weighted over %d draws: %s nats/img", c.Samples, digits(*c.LogLikelihood))
		}
		if c.KLPerNumber != nil {
			s.print("kl of each number, the greatest first: %s", descending(c.KLPerNumber))
		}
	}
	used := fmt.Sprintf("%d of %d numbers of the code are active", d.Diagnosis.Active, d.Diagnosis.Code)
	if b := d.Diagnosis.Codebook; b != nil {
		used = fmt.Sprintf("%d of %d entries of the codebook stand for the %d vectors of the images, perplexity %.1f", b.Used, b.Entries, b.Vectors, b.Perplexity)
	}
	s.print("%s; %s of the variance of the images is explained", used, varianceExplained(d.Diagnosis.ExplainedVariance))
	for _, f := range d.Diagnosis.Findings {
		word := "warning"
		if f.Notice {
			word = "notice"
		}
		s.print("%s: %v", word, f)
	}
}

// varianceExplained is a share of the variance in per cent. It is below 0 if the model's
// error is above that of the mean image.
func varianceExplained(share float64) string {
	if share < 0 {
		return "nothing"
	}
	return fmt.Sprintf("%.1f%%", 100*share)
}

// descending lists numbers, the greatest first, as many as fit in a line or
// two.
func descending(numbers []float64) string {
	const most = 32
	sorted := slices.Clone(numbers)
	slices.SortFunc(sorted, func(a, b float64) int { return cmp.Compare(b, a) })
	var texts []string
	for _, x := range sorted[:min(most, len(sorted))] {
		texts = append(texts, fmt.Sprintf("%.2f", x))
	}
	if len(sorted) > most {
		texts = append(texts, "…")
	}
	return strings.Join(texts, " ")
}

// split shows of what a loss consists: " (recon 82.9 + kl 25.4)". It is empty
// if the loss is one number.
func split(terms []train.Term) string {
	if len(terms) == 0 {
		return ""
	}
	var summed, beside []string
	for _, t := range terms {
		part := t.Short + " " + digits(t.Value)
		switch t.Weight {
		case 0:
			beside = append(beside, part)
			continue
		case 1:
		default:
			part = fmt.Sprintf("%.3g × %s", t.Weight, part)
		}
		summed = append(summed, part)
	}
	return " (" + strings.Join(append([]string{strings.Join(summed, " + ")}, beside...), "; ") + ")"
}

// code says what a model's code consists of.
func code(model models.Model) string {
	if q, quantised := model.(models.Quantised); quantised {
		return fmt.Sprintf("%d indices of %d entries", q.Positions(), q.Entries())
	}
	return fmt.Sprintf("%d numbers", model.CodeSize())
}

// codeLength is how many numbers say what a model's code is: one index for each
// entry of a codebook, however long the entries are.
func codeLength(model models.Model) int {
	if q, quantised := model.(models.Quantised); quantised {
		return q.Positions()
	}
	return model.CodeSize()
}

// alike writes numbers with as many digits behind the point as show four of
// the smallest, so that they can be compared down a column.
func alike(values []*float64) []string {
	least := math.Inf(1)
	for _, x := range values {
		if x != nil && *x != 0 {
			least = min(least, math.Abs(*x))
		}
	}
	behind := 2
	if !math.IsInf(least, 1) {
		behind = min(9, max(2, 3-int(math.Floor(math.Log10(least)))))
	}
	texts := make([]string, len(values))
	for i, x := range values {
		texts[i] = "–"
		if x != nil {
			texts[i] = fmt.Sprintf("%.*f", behind, *x)
		}
	}
	return texts
}

// digits writes a number with four significant digits.
func digits(x float64) string {
	if size := math.Abs(x); size >= 1e-4 && size < 1e6 {
		behind := max(0, 3-int(math.Floor(math.Log10(size))))
		return fmt.Sprintf("%.*f", behind, x)
	}
	return fmt.Sprintf("%.4g", x)
}
