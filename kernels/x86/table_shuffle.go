package x86

// shuffleRows are the vector instructions that rearrange.
var shuffleRows = []row{

	// Packs and interleaves.

	{VPACKSSDW, "vpackssdw v, v, v/m", "RVM", "VEX.66.0F.WIG 6B /r", FeatAVX2, "2B PACKSSWB/PACKSSDW"},
	{VPACKSSDW, "vpackssdw v{k16z}, v, v/m/b32", "RVM", "EVEX.66.0F.W0 6B /r", FeatAVX512BW, "2B PACKSSWB/PACKSSDW"},
	{VPACKUSDW, "vpackusdw v, v, v/m", "RVM", "VEX.66.0F38.WIG 2B /r", FeatAVX2, "2B PACKUSDW"},
	{VPACKUSDW, "vpackusdw v{k16z}, v, v/m/b32", "RVM", "EVEX.66.0F38.W0 2B /r", FeatAVX512BW, "2B PACKUSDW"},
	{VPACKUSWB, "vpackuswb v, v, v/m", "RVM", "VEX.66.0F.WIG 67 /r", FeatAVX2, "2B PACKUSWB"},
	{VPACKUSWB, "vpackuswb v{k8z}, v, v/m", "RVM", "EVEX.66.0F.WIG 67 /r", FeatAVX512BW, "2B PACKUSWB"},
	{VPACKSSWB, "vpacksswb v, v, v/m", "RVM", "VEX.66.0F.WIG 63 /r", FeatAVX2, "2B PACKSSWB/PACKSSDW"},
	{VPACKSSWB, "vpacksswb v{k8z}, v, v/m", "RVM", "EVEX.66.0F.WIG 63 /r", FeatAVX512BW, "2B PACKSSWB/PACKSSDW"},
	{VPUNPCKLBW, "vpunpcklbw v, v, v/m", "RVM", "VEX.66.0F.WIG 60 /r", FeatAVX2, "2B PUNPCKLBW/PUNPCKLWD/PUNPCKLDQ/PUNPCKLQDQ"},
	{VPUNPCKLBW, "vpunpcklbw v{k8z}, v, v/m", "RVM", "EVEX.66.0F.WIG 60 /r", FeatAVX512BW, "2B PUNPCKLBW/PUNPCKLWD/PUNPCKLDQ/PUNPCKLQDQ"},
	{VPUNPCKHBW, "vpunpckhbw v, v, v/m", "RVM", "VEX.66.0F.WIG 68 /r", FeatAVX2, "2B PUNPCKHBW/PUNPCKHWD/PUNPCKHDQ/PUNPCKHQDQ"},
	{VPUNPCKHBW, "vpunpckhbw v{k8z}, v, v/m", "RVM", "EVEX.66.0F.WIG 68 /r", FeatAVX512BW, "2B PUNPCKHBW/PUNPCKHWD/PUNPCKHDQ/PUNPCKHQDQ"},
	{VPUNPCKLWD, "vpunpcklwd v, v, v/m", "RVM", "VEX.66.0F.WIG 61 /r", FeatAVX2, "2B PUNPCKLBW/PUNPCKLWD/PUNPCKLDQ/PUNPCKLQDQ"},
	{VPUNPCKLWD, "vpunpcklwd v{k16z}, v, v/m", "RVM", "EVEX.66.0F.WIG 61 /r", FeatAVX512BW, "2B PUNPCKLBW/PUNPCKLWD/PUNPCKLDQ/PUNPCKLQDQ"},
	{VPUNPCKHWD, "vpunpckhwd v, v, v/m", "RVM", "VEX.66.0F.WIG 69 /r", FeatAVX2, "2B PUNPCKHBW/PUNPCKHWD/PUNPCKHDQ/PUNPCKHQDQ"},
	{VPUNPCKHWD, "vpunpckhwd v{k16z}, v, v/m", "RVM", "EVEX.66.0F.WIG 69 /r", FeatAVX512BW, "2B PUNPCKHBW/PUNPCKHWD/PUNPCKHDQ/PUNPCKHQDQ"},
	{VPUNPCKLDQ, "vpunpckldq v, v, v/m", "RVM", "VEX.66.0F.WIG 62 /r", FeatAVX2, "2B PUNPCKLBW/PUNPCKLWD/PUNPCKLDQ/PUNPCKLQDQ"},
	{VPUNPCKLDQ, "vpunpckldq v{k32z}, v, v/m/b32", "RVM", "EVEX.66.0F.W0 62 /r", FeatAVX512F, "2B PUNPCKLBW/PUNPCKLWD/PUNPCKLDQ/PUNPCKLQDQ"},
	{VPUNPCKHDQ, "vpunpckhdq v, v, v/m", "RVM", "VEX.66.0F.WIG 6A /r", FeatAVX2, "2B PUNPCKHBW/PUNPCKHWD/PUNPCKHDQ/PUNPCKHQDQ"},
	{VPUNPCKHDQ, "vpunpckhdq v{k32z}, v, v/m/b32", "RVM", "EVEX.66.0F.W0 6A /r", FeatAVX512F, "2B PUNPCKHBW/PUNPCKHWD/PUNPCKHDQ/PUNPCKHQDQ"},
	{VPUNPCKLQDQ, "vpunpcklqdq v, v, v/m", "RVM", "VEX.66.0F.WIG 6C /r", FeatAVX2, "2B PUNPCKLBW/PUNPCKLWD/PUNPCKLDQ/PUNPCKLQDQ"},
	{VPUNPCKLQDQ, "vpunpcklqdq v{k64z}, v, v/m/b64", "RVM", "EVEX.66.0F.W1 6C /r", FeatAVX512F, "2B PUNPCKLBW/PUNPCKLWD/PUNPCKLDQ/PUNPCKLQDQ"},
	{VPUNPCKHQDQ, "vpunpckhqdq v, v, v/m", "RVM", "VEX.66.0F.WIG 6D /r", FeatAVX2, "2B PUNPCKHBW/PUNPCKHWD/PUNPCKHDQ/PUNPCKHQDQ"},
	{VPUNPCKHQDQ, "vpunpckhqdq v{k64z}, v, v/m/b64", "RVM", "EVEX.66.0F.W1 6D /r", FeatAVX512F, "2B PUNPCKHBW/PUNPCKHWD/PUNPCKHDQ/PUNPCKHQDQ"},

	// Within 128-bit lanes.

	{VPALIGNR, "vpalignr v, v, v/m, i8", "RVMI", "VEX.66.0F3A.WIG 0F /r ib", FeatAVX2, "2B PALIGNR"},
	{VPALIGNR, "vpalignr v{k8z}, v, v/m, i8", "RVMI", "EVEX.66.0F3A.WIG 0F /r ib", FeatAVX512BW, "2B PALIGNR"},
	{VPSHUFB, "vpshufb v, v, v/m", "RVM", "VEX.66.0F38.WIG 00 /r", FeatAVX2, "2B PSHUFB"},
	{VPSHUFB, "vpshufb v{k8z}, v, v/m", "RVM", "EVEX.66.0F38.WIG 00 /r", FeatAVX512BW, "2B PSHUFB"},
	{VPSHUFD, "vpshufd v, v/m, i8", "RMI", "VEX.66.0F.WIG 70 /r ib", FeatAVX2, "2B PSHUFD"},
	{VPSHUFD, "vpshufd v{k32z}, v/m/b32, i8", "RMI", "EVEX.66.0F.W0 70 /r ib", FeatAVX512F, "2B PSHUFD"},
	{VSHUFPS, "vshufps v, v, v/m, i8", "RVMI", "VEX.NP.0F.WIG C6 /r ib", FeatAVX, "2B SHUFPS"},
	{VSHUFPS, "vshufps v{k32z}, v, v/m/b32, i8", "RVMI", "EVEX.NP.0F.W0 C6 /r ib", FeatAVX512F, "2B SHUFPS"},

	// Across lanes.

	{VPERMD, "vpermd v, v, v/m", "RVM", "VEX.256.66.0F38.W0 36 /r", FeatAVX2, "2C VPERMD/VPERMW"},
	{VPERMD, "vpermd v{k32z}, v, v/m/b32", "RVM", "EVEX.256.512.66.0F38.W0 36 /r", FeatAVX512F, "2C VPERMD/VPERMW"},
	{VPERMQ, "vpermq v, v/m, i8", "RMI", "VEX.256.66.0F3A.W1 00 /r ib", FeatAVX2, "2C VPERMQ"},
	{VPERMQ, "vpermq v{k64z}, v/m/b64, i8", "RMI", "EVEX.256.512.66.0F3A.W1 00 /r ib", FeatAVX512F, "2C VPERMQ"},
	{VPERM2I128, "vperm2i128 v, v, v/m, i8", "RVMI", "VEX.256.66.0F3A.W0 46 /r ib", FeatAVX2, "2C VPERM2I128"},
	{VPERMT2D, "vpermt2d +v{k32z}, v, v/m/b32", "RVM", "EVEX.66.0F38.W0 7E /r", FeatAVX512F, "2C VPERMT2W/D/Q/PS/PD"},
	{VPERMT2Q, "vpermt2q +v{k64z}, v, v/m/b64", "RVM", "EVEX.66.0F38.W1 7E /r", FeatAVX512F, "2C VPERMT2W/D/Q/PS/PD"},
	{VPERMW, "vpermw v{k16z}, v, v/m", "RVM", "EVEX.66.0F38.W1 8D /r", FeatAVX512BW, "2C VPERMD/VPERMW"},
	{VSHUFI32X4, "vshufi32x4 v{k32z}, v, v/m/b32, i8", "RVMI", "EVEX.256.512.66.0F3A.W0 43 /r ib", FeatAVX512F, "2C VSHUFF32x4/VSHUFF64x2/VSHUFI32x4/VSHUFI64x2"},
	{VSHUFI64X2, "vshufi64x2 v{k64z}, v, v/m/b64, i8", "RVMI", "EVEX.256.512.66.0F3A.W1 43 /r ib", FeatAVX512F, "2C VSHUFF32x4/VSHUFF64x2/VSHUFI32x4/VSHUFI64x2"},

	// Blends.

	{VPBLENDD, "vpblendd v, v, v/m, i8", "RVMI", "VEX.66.0F3A.W0 02 /r ib", FeatAVX2, "2C VPBLENDD"},
	{VPBLENDVB, "vpblendvb v, v, v/m, v", "RVML", "VEX.66.0F3A.W0 4C /r /is4", FeatAVX2, "2B PBLENDVB"},
	{VPBLENDMB, "vpblendmb v{k8z}, v, v/m", "RVM", "EVEX.66.0F38.W0 66 /r", FeatAVX512BW, "2C VPBLENDMB/VPBLENDMW"},
	{VPBLENDMD, "vpblendmd v{k32z}, v, v/m/b32", "RVM", "EVEX.66.0F38.W0 64 /r", FeatAVX512F, "2C VPBLENDMD/VPBLENDMQ"},
	{VPBLENDMQ, "vpblendmq v{k64z}, v, v/m/b64", "RVM", "EVEX.66.0F38.W1 64 /r", FeatAVX512F, "2C VPBLENDMD/VPBLENDMQ"},
}
