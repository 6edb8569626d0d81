package zoo

import (
	"fmt"

	"qtune/qnn"
)

// inceptionV1 draws GoogLeNet: Szegedy et al., "Going Deeper with
// Convolutions", arXiv:1409.4842, table 1, without the auxiliary classifiers,
// which inference does not use, and with batch normalisation (folded into the
// convolutions) in the place of local response normalisation.
func inceptionV1(s *sketch, x qnn.TensorID) *qnn.Graph {
	// Columns of the table: #1x1, #3x3 reduce, #3x3, #5x5 reduce, #5x5, pool proj.
	block := func(name string, c1, r3, c3, r5, c5, proj int) module {
		return mixed(name,
			fmt.Sprintf("1x1 %d", c1),
			fmt.Sprintf("1x1 %d, 3x3 %d", r3, c3),
			fmt.Sprintf("1x1 %d, 5x5 %d", r5, c5),
			fmt.Sprintf("max 3x3, 1x1 %d", proj))
	}
	x = inception(s, x, []module{
		stem("stem", "7x7/2 64, max 3x3/2, 1x1 64, 3x3 192, max 3x3/2"),
		block("3a", 64, 96, 128, 16, 32, 32),
		block("3b", 128, 128, 192, 32, 96, 64),
		stem("pool_3", "max 3x3/2"),
		block("4a", 192, 96, 208, 16, 48, 64),
		block("4b", 160, 112, 224, 24, 64, 64),
		block("4c", 128, 128, 256, 24, 64, 64),
		block("4d", 112, 144, 288, 32, 64, 64),
		block("4e", 256, 160, 320, 32, 128, 128),
		stem("pool_4", "max 3x3/2"),
		block("5a", 256, 160, 320, 32, 128, 128),
		block("5b", 384, 192, 384, 48, 128, 128),
	})
	return s.classifyConv(s.averageAll(x))
}

// inceptionV2 draws BN-Inception: Ioffe and Szegedy, "Batch Normalization",
// arXiv:1502.03167, figure 5 (the appendix' table); the first layer is a
// separable convolution of depth multiplier 8, as section 4.2 says. In 4c and
// 4d the pool projection is 96, as in the authors' code (slim inception_v2):
// the table's 128 contradicts its output of 576 channels.
func inceptionV2(s *sketch, x qnn.TensorID) *qnn.Graph {
	// Columns: #1x1, #3x3 reduce, #3x3, double #3x3 reduce, double #3x3, pool and proj.
	block := func(name string, c1, r3, c3, rd, cd int, pool string, proj int) module {
		return mixed(name,
			fmt.Sprintf("1x1 %d", c1),
			fmt.Sprintf("1x1 %d, 3x3 %d", r3, c3),
			fmt.Sprintf("1x1 %d, 3x3 %d, 3x3 %d", rd, cd, cd),
			fmt.Sprintf("%s 3x3, 1x1 %d", pool, proj))
	}
	reduction := func(name string, r3, c3, rd, cd int) module { // stride 2, pool "pass through"
		return mixed(name,
			fmt.Sprintf("1x1 %d, 3x3/2 %d", r3, c3),
			fmt.Sprintf("1x1 %d, 3x3 %d, 3x3/2 %d", rd, cd, cd),
			"max 3x3/2")
	}
	x = inception(s, x, []module{
		stem("stem", "dw 7x7/2 8, 1x1 64, max 3x3/2, 1x1 64, 3x3 192, max 3x3/2"),
		block("3a", 64, 64, 64, 64, 96, "avg", 32),
		block("3b", 64, 64, 96, 64, 96, "avg", 64),
		reduction("3c", 128, 160, 64, 96),
		block("4a", 224, 64, 96, 96, 128, "avg", 128),
		block("4b", 192, 96, 128, 96, 128, "avg", 128),
		block("4c", 160, 128, 160, 128, 160, "avg", 96),
		block("4d", 96, 128, 192, 160, 192, "avg", 96),
		reduction("4e", 128, 192, 192, 256),
		block("5a", 352, 192, 320, 160, 224, "avg", 128),
		block("5b", 352, 192, 320, 192, 224, "max", 128),
	})
	return s.classifyConv(s.averageAll(x))
}

// inceptionV3 draws Inception v3: Szegedy et al., "Rethinking the Inception
// Architecture for Computer Vision", arXiv:1512.00567, table 1 and figures 5 to
// 7 and 10. The paper does not give the widths inside the modules; they are of
// the authors' code (slim inception_v3), whose names the modules have.
func inceptionV3(s *sketch, x qnn.TensorID) *qnn.Graph {
	grid35 := func(name string, proj int) module {
		return mixed(name,
			"1x1 64",
			"1x1 48, 5x5 64",
			"1x1 64, 3x3 96, 3x3 96",
			fmt.Sprintf("avg 3x3, 1x1 %d", proj))
	}
	grid17 := func(name string, c int) module {
		return mixed(name,
			"1x1 192",
			fmt.Sprintf("1x1 %d, 1x7 %d, 7x1 192", c, c),
			fmt.Sprintf("1x1 %d, 7x1 %d, 1x7 %d, 7x1 %d, 1x7 192", c, c, c, c),
			"avg 3x3, 1x1 192")
	}
	grid8 := func(name string) module {
		return mixed(name,
			"1x1 320",
			"1x1 384, 1x3 384 | 3x1 384",
			"1x1 448, 3x3 384, 1x3 384 | 3x1 384",
			"avg 3x3, 1x1 192")
	}
	x = inception(s, x, []module{
		stem("stem", "3x3/2v 32, 3x3v 32, 3x3 64, max 3x3/2v, 1x1v 80, 3x3v 192, max 3x3/2v"),
		grid35("mixed_5b", 32), grid35("mixed_5c", 64), grid35("mixed_5d", 64),
		mixed("mixed_6a", "3x3/2v 384", "1x1 64, 3x3 96, 3x3/2v 96", "max 3x3/2v"),
		grid17("mixed_6b", 128), grid17("mixed_6c", 160), grid17("mixed_6d", 160), grid17("mixed_6e", 192),
		mixed("mixed_7a", "1x1 192, 3x3/2v 320", "1x1 192, 1x7 192, 7x1 192, 3x3/2v 192", "max 3x3/2v"),
		grid8("mixed_7b"), grid8("mixed_7c"),
	})
	return s.classifyConv(s.averageAll(x))
}

// inceptionV4 draws Inception v4: Szegedy et al., "Inception-v4,
// Inception-ResNet and the Impact of Residual Connections on Learning",
// arXiv:1602.07261, figures 3 to 9, with k, l, m, n of table 1.
func inceptionV4(s *sketch, x qnn.TensorID) *qnn.Graph {
	repeat := func(n int, name string, branches ...string) (all []module) {
		for i := range n {
			all = append(all, mixed(fmt.Sprintf("%s_%d", name, i+1), branches...))
		}
		return all
	}
	table := []module{ // figure 3
		stem("stem_1", "3x3/2v 32, 3x3v 32, 3x3 64"),
		mixed("stem_2", "max 3x3/2v", "3x3/2v 96"),
		mixed("stem_3", "1x1 64, 3x3v 96", "1x1 64, 7x1 64, 1x7 64, 3x3v 96"),
		mixed("stem_4", "3x3/2v 192", "max 3x3/2v"),
	}
	table = append(table, repeat(4, "inception_a", // figure 4
		"avg 3x3, 1x1 96",
		"1x1 96",
		"1x1 64, 3x3 96",
		"1x1 64, 3x3 96, 3x3 96")...)
	table = append(table, mixed("reduction_a", // figure 7
		"max 3x3/2v",
		"3x3/2v 384",
		"1x1 192, 3x3 224, 3x3/2v 256"))
	table = append(table, repeat(7, "inception_b", // figure 5
		"avg 3x3, 1x1 128",
		"1x1 384",
		"1x1 192, 1x7 224, 7x1 256",
		"1x1 192, 1x7 192, 7x1 224, 1x7 224, 7x1 256")...)
	table = append(table, mixed("reduction_b", // figure 8
		"max 3x3/2v",
		"1x1 192, 3x3/2v 192",
		"1x1 256, 1x7 256, 7x1 320, 3x3/2v 320"))
	table = append(table, repeat(3, "inception_c", // figure 6
		"avg 3x3, 1x1 256",
		"1x1 256",
		"1x1 384, 1x3 256 | 3x1 256",
		"1x1 384, 1x3 448, 3x1 512, 3x1 256 | 1x3 256")...)
	x = s.averageAll(inception(s, x, table))
	return s.classifyDense(s.reshape("average/flat", x))
}
