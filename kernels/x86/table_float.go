package x86

// floatRows are the vector instructions of floating point.
var floatRows = []row{
	{VADDPS, "vaddps v, v, v/m", "RVM", "VEX.NP.0F.WIG 58 /r", FeatAVX, "2A ADDPS"},
	{VADDPS, "vaddps v{k32z}, v, v/m/b32", "RVM", "EVEX.NP.0F.W0 58 /r", FeatAVX512F, "2A ADDPS"},
	{VSUBPS, "vsubps v, v, v/m", "RVM", "VEX.NP.0F.WIG 5C /r", FeatAVX, "2B SUBPS"},
	{VSUBPS, "vsubps v{k32z}, v, v/m/b32", "RVM", "EVEX.NP.0F.W0 5C /r", FeatAVX512F, "2B SUBPS"},
	{VMULPS, "vmulps v, v, v/m", "RVM", "VEX.NP.0F.WIG 59 /r", FeatAVX, "2B MULPS"},
	{VMULPS, "vmulps v{k32z}, v, v/m/b32", "RVM", "EVEX.NP.0F.W0 59 /r", FeatAVX512F, "2B MULPS"},
	{VFMADD213PS, "vfmadd213ps +v, v, v/m", "RVM", "VEX.66.0F38.W0 A8 /r", FeatFMA, "2C VFMADD132PS/VFMADD213PS/VFMADD231PS"},
	{VFMADD213PS, "vfmadd213ps +v{k32z}, v, v/m/b32", "RVM", "EVEX.66.0F38.W0 A8 /r", FeatAVX512F, "2C VFMADD132PS/VFMADD213PS/VFMADD231PS"},
	{VDIVPS, "vdivps v, v, v/m", "RVM", "VEX.NP.0F.WIG 5E /r", FeatAVX, "2A DIVPS"},
	{VDIVPS, "vdivps v{k32z}, v, v/m/b32", "RVM", "EVEX.NP.0F.W0 5E /r", FeatAVX512F, "2A DIVPS"},
	{VMINPS, "vminps v, v, v/m", "RVM", "VEX.NP.0F.WIG 5D /r", FeatAVX, "2B MINPS"},
	{VMINPS, "vminps v{k32z}, v, v/m/b32", "RVM", "EVEX.NP.0F.W0 5D /r", FeatAVX512F, "2B MINPS"},
	{VMAXPS, "vmaxps v, v, v/m", "RVM", "VEX.NP.0F.WIG 5F /r", FeatAVX, "2B MAXPS"},
	{VMAXPS, "vmaxps v{k32z}, v, v/m/b32", "RVM", "EVEX.NP.0F.W0 5F /r", FeatAVX512F, "2B MAXPS"},
	{VADDPD, "vaddpd v, v, v/m", "RVM", "VEX.66.0F.WIG 58 /r", FeatAVX, "2A ADDPD"},
	{VDIVPD, "vdivpd v, v, v/m", "RVM", "VEX.66.0F.WIG 5E /r", FeatAVX, "2A DIVPD"},
	{VMINPD, "vminpd v, v, v/m", "RVM", "VEX.66.0F.WIG 5D /r", FeatAVX, "2B MINPD"},
	{VMAXPD, "vmaxpd v, v, v/m", "RVM", "VEX.66.0F.WIG 5F /r", FeatAVX, "2B MAXPD"},
	{VCVTDQ2PS, "vcvtdq2ps v, v/m", "RM", "VEX.NP.0F.WIG 5B /r", FeatAVX, "2A CVTDQ2PS"},
	{VCVTDQ2PS, "vcvtdq2ps v{k32z}, v/m/b32", "RM", "EVEX.NP.0F.W0 5B /r", FeatAVX512F, "2A CVTDQ2PS"},
	{VCVTTPS2DQ, "vcvttps2dq v, v/m", "RM", "VEX.F3.0F.WIG 5B /r", FeatAVX, "2A CVTTPS2DQ"},
	{VCVTTPS2DQ, "vcvttps2dq v{k32z}, v/m/b32", "RM", "EVEX.F3.0F.W0 5B /r", FeatAVX512F, "2A CVTTPS2DQ"},
	{VCVTPS2PD, "vcvtps2pd v, h/m", "RM", "VEX.NP.0F.WIG 5A /r", FeatAVX, "2A CVTPS2PD"},
	{VCVTTPD2DQ, "vcvttpd2dq x, v", "RM", "VEX.66.0F.WIG E6 /r", FeatAVX, "2A CVTTPD2DQ"},
}
