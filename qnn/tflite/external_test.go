package tflite_test

import (
	"strings"
	"testing"

	flatbuffers "github.com/google/flatbuffers/go"

	"qtune/qnn/tflite"
	"qtune/qnn/tflite/fb"
)

// TestDataBehindTheFlatBuffer: files beyond 2 GiB keep constants behind it.
func TestDataBehindTheFlatBuffer(t *testing.T) {
	const data = "constant"
	end := uint64(len(externalModel(len(data), 2, 1))) // of any file of this layout
	for _, c := range []struct {
		name         string
		offset, size uint64
		want         string // of the error
	}{
		{"inside", end, 8, ""},
		{"too long", end, 9, "9 bytes at"},
		{"too far", end + 1, 8, "reach beyond the end of the file"},
		{"wraps", 1<<64 - 4, 8, "reach beyond the end of the file"},
		{"huge", 16, 1<<64 - 8, "reach beyond the end of the file"},
		{"short", end, 7, "7 bytes of data for a 8 uint8"},
	} {
		t.Run(c.name, func(t *testing.T) {
			file := append(externalModel(len(data), c.offset, c.size), data...)
			g, err := tflite.Import(file)
			switch {
			case c.want != "":
				if err == nil || !strings.Contains(err.Error(), c.want) {
					t.Errorf("error %v, want %q", err, c.want)
				}
			case err != nil:
				t.Error(err)
			case string(g.Tensors[0].Data) != data:
				t.Errorf("data %q", g.Tensors[0].Data)
			}
		})
	}
}

// externalModel is a network of one constant of n bytes, which its buffer says
// are at offset.
func externalModel(n int, offset, size uint64) []byte {
	b := flatbuffers.NewBuilder(256)
	fb.TensorStartShapeVector(b, 1)
	b.PrependInt32(int32(n))
	shape := b.EndVector(1)
	fb.TensorStart(b)
	fb.TensorAddShape(b, shape)
	fb.TensorAddType(b, 3)
	tensors := vectorOf(b, fb.TensorEnd(b))
	fb.SubGraphStart(b)
	fb.SubGraphAddTensors(b, tensors)
	subgraphs := vectorOf(b, fb.SubGraphEnd(b))
	fb.BufferStart(b)
	fb.BufferAddOffset(b, offset)
	fb.BufferAddSize(b, size)
	buffers := vectorOf(b, fb.BufferEnd(b))
	fb.ModelStart(b)
	fb.ModelAddVersion(b, 3)
	fb.ModelAddSubgraphs(b, subgraphs)
	fb.ModelAddBuffers(b, buffers)
	b.FinishWithFileIdentifier(fb.ModelEnd(b), []byte("TFL3"))
	return b.FinishedBytes()
}

func vectorOf(b *flatbuffers.Builder, o flatbuffers.UOffsetT) flatbuffers.UOffsetT {
	return b.CreateVectorOfTables([]flatbuffers.UOffsetT{o})
}
