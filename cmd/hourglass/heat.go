package main

import (
	"hourglass/data"
	"hourglass/internal/picture"
)

// acrossHeat is how many images stand side by side above their maps.
const acrossHeat = 12

// heatRows are originals, reconstructions and maps of the squared error, all
// maps to one scale.
func heatRows(images, made []float32, shape data.Shape) ([]picture.Row, error) {
	most := float32(0)
	for i, v := range images {
		d := v - made[i]
		most = max(most, d*d)
	}
	originals, reconstructions := pictures(images, shape), pictures(made, shape)
	var rows []picture.Row
	for at := 0; at < len(originals); at += acrossHeat {
		end := min(at+acrossHeat, len(originals))
		maps := picture.Row{Caption: "error"}
		for i := at; i < end; i++ {
			heat, err := picture.Heat(originals[i], reconstructions[i], most)
			if err != nil {
				return nil, err
			}
			maps.Images = append(maps.Images, heat)
		}
		rows = append(rows, picture.Row{Caption: "original", Images: originals[at:end]}, picture.Row{Caption: "reconstruction", Images: reconstructions[at:end]}, maps)
	}
	return rows, nil
}
