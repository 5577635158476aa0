// Constants of the elementary functions, in every lane of eight; broadcasts read the
// first.
DATA one<>+0(SB)/8, $0x3f8000003f800000
DATA one<>+8(SB)/8, $0x3f8000003f800000
DATA one<>+16(SB)/8, $0x3f8000003f800000
DATA one<>+24(SB)/8, $0x3f8000003f800000
GLOBL one<>(SB), RODATA|NOPTR, $32
DATA two<>+0(SB)/8, $0x4000000040000000
DATA two<>+8(SB)/8, $0x4000000040000000
DATA two<>+16(SB)/8, $0x4000000040000000
DATA two<>+24(SB)/8, $0x4000000040000000
GLOBL two<>(SB), RODATA|NOPTR, $32
DATA half<>+0(SB)/8, $0x3f0000003f000000
DATA half<>+8(SB)/8, $0x3f0000003f000000
DATA half<>+16(SB)/8, $0x3f0000003f000000
DATA half<>+24(SB)/8, $0x3f0000003f000000
GLOBL half<>(SB), RODATA|NOPTR, $32
DATA log2e<>+0(SB)/8, $0x3fb8aa3b3fb8aa3b
DATA log2e<>+8(SB)/8, $0x3fb8aa3b3fb8aa3b
DATA log2e<>+16(SB)/8, $0x3fb8aa3b3fb8aa3b
DATA log2e<>+24(SB)/8, $0x3fb8aa3b3fb8aa3b
GLOBL log2e<>(SB), RODATA|NOPTR, $32
DATA ln2high<>+0(SB)/8, $0x3f3180003f318000
DATA ln2high<>+8(SB)/8, $0x3f3180003f318000
DATA ln2high<>+16(SB)/8, $0x3f3180003f318000
DATA ln2high<>+24(SB)/8, $0x3f3180003f318000
GLOBL ln2high<>(SB), RODATA|NOPTR, $32
DATA ln2low<>+0(SB)/8, $0xb95e8083b95e8083
DATA ln2low<>+8(SB)/8, $0xb95e8083b95e8083
DATA ln2low<>+16(SB)/8, $0xb95e8083b95e8083
DATA ln2low<>+24(SB)/8, $0xb95e8083b95e8083
GLOBL ln2low<>(SB), RODATA|NOPTR, $32
DATA lowest<>+0(SB)/8, $0xc2d00000c2d00000
DATA lowest<>+8(SB)/8, $0xc2d00000c2d00000
DATA lowest<>+16(SB)/8, $0xc2d00000c2d00000
DATA lowest<>+24(SB)/8, $0xc2d00000c2d00000
GLOBL lowest<>(SB), RODATA|NOPTR, $32
DATA highest<>+0(SB)/8, $0x42b2000042b20000
DATA highest<>+8(SB)/8, $0x42b2000042b20000
DATA highest<>+16(SB)/8, $0x42b2000042b20000
DATA highest<>+24(SB)/8, $0x42b2000042b20000
GLOBL highest<>(SB), RODATA|NOPTR, $32
DATA exp0<>+0(SB)/8, $0x3950696739506967
DATA exp0<>+8(SB)/8, $0x3950696739506967
DATA exp0<>+16(SB)/8, $0x3950696739506967
DATA exp0<>+24(SB)/8, $0x3950696739506967
GLOBL exp0<>(SB), RODATA|NOPTR, $32
DATA exp1<>+0(SB)/8, $0x3ab743ce3ab743ce
DATA exp1<>+8(SB)/8, $0x3ab743ce3ab743ce
DATA exp1<>+16(SB)/8, $0x3ab743ce3ab743ce
DATA exp1<>+24(SB)/8, $0x3ab743ce3ab743ce
GLOBL exp1<>(SB), RODATA|NOPTR, $32
DATA exp2<>+0(SB)/8, $0x3c0889083c088908
DATA exp2<>+8(SB)/8, $0x3c0889083c088908
DATA exp2<>+16(SB)/8, $0x3c0889083c088908
DATA exp2<>+24(SB)/8, $0x3c0889083c088908
GLOBL exp2<>(SB), RODATA|NOPTR, $32
DATA exp3<>+0(SB)/8, $0x3d2aa9c13d2aa9c1
DATA exp3<>+8(SB)/8, $0x3d2aa9c13d2aa9c1
DATA exp3<>+16(SB)/8, $0x3d2aa9c13d2aa9c1
DATA exp3<>+24(SB)/8, $0x3d2aa9c13d2aa9c1
GLOBL exp3<>(SB), RODATA|NOPTR, $32
DATA exp4<>+0(SB)/8, $0x3e2aaaaa3e2aaaaa
DATA exp4<>+8(SB)/8, $0x3e2aaaaa3e2aaaaa
DATA exp4<>+16(SB)/8, $0x3e2aaaaa3e2aaaaa
DATA exp4<>+24(SB)/8, $0x3e2aaaaa3e2aaaaa
GLOBL exp4<>(SB), RODATA|NOPTR, $32
DATA exp5<>+0(SB)/8, $0x3f0000003f000000
DATA exp5<>+8(SB)/8, $0x3f0000003f000000
DATA exp5<>+16(SB)/8, $0x3f0000003f000000
DATA exp5<>+24(SB)/8, $0x3f0000003f000000
GLOBL exp5<>(SB), RODATA|NOPTR, $32
DATA tanh0<>+0(SB)/8, $0xbbbaf0eabbbaf0ea
DATA tanh0<>+8(SB)/8, $0xbbbaf0eabbbaf0ea
DATA tanh0<>+16(SB)/8, $0xbbbaf0eabbbaf0ea
DATA tanh0<>+24(SB)/8, $0xbbbaf0eabbbaf0ea
GLOBL tanh0<>(SB), RODATA|NOPTR, $32
DATA tanh1<>+0(SB)/8, $0x3ca9134e3ca9134e
DATA tanh1<>+8(SB)/8, $0x3ca9134e3ca9134e
DATA tanh1<>+16(SB)/8, $0x3ca9134e3ca9134e
DATA tanh1<>+24(SB)/8, $0x3ca9134e3ca9134e
GLOBL tanh1<>(SB), RODATA|NOPTR, $32
DATA tanh2<>+0(SB)/8, $0xbd5c1e2dbd5c1e2d
DATA tanh2<>+8(SB)/8, $0xbd5c1e2dbd5c1e2d
DATA tanh2<>+16(SB)/8, $0xbd5c1e2dbd5c1e2d
DATA tanh2<>+24(SB)/8, $0xbd5c1e2dbd5c1e2d
GLOBL tanh2<>(SB), RODATA|NOPTR, $32
DATA tanh3<>+0(SB)/8, $0x3e0883933e088393
DATA tanh3<>+8(SB)/8, $0x3e0883933e088393
DATA tanh3<>+16(SB)/8, $0x3e0883933e088393
DATA tanh3<>+24(SB)/8, $0x3e0883933e088393
GLOBL tanh3<>(SB), RODATA|NOPTR, $32
DATA tanh4<>+0(SB)/8, $0xbeaaaa99beaaaa99
DATA tanh4<>+8(SB)/8, $0xbeaaaa99beaaaa99
DATA tanh4<>+16(SB)/8, $0xbeaaaa99beaaaa99
DATA tanh4<>+24(SB)/8, $0xbeaaaa99beaaaa99
GLOBL tanh4<>(SB), RODATA|NOPTR, $32
DATA tanhSeries<>+0(SB)/8, $0x3f2000003f200000
DATA tanhSeries<>+8(SB)/8, $0x3f2000003f200000
DATA tanhSeries<>+16(SB)/8, $0x3f2000003f200000
DATA tanhSeries<>+24(SB)/8, $0x3f2000003f200000
GLOBL tanhSeries<>(SB), RODATA|NOPTR, $32
DATA log0<>+0(SB)/8, $0x3e0888893e088889
DATA log0<>+8(SB)/8, $0x3e0888893e088889
DATA log0<>+16(SB)/8, $0x3e0888893e088889
DATA log0<>+24(SB)/8, $0x3e0888893e088889
GLOBL log0<>(SB), RODATA|NOPTR, $32
DATA log1<>+0(SB)/8, $0x3e1d89d93e1d89d9
DATA log1<>+8(SB)/8, $0x3e1d89d93e1d89d9
DATA log1<>+16(SB)/8, $0x3e1d89d93e1d89d9
DATA log1<>+24(SB)/8, $0x3e1d89d93e1d89d9
GLOBL log1<>(SB), RODATA|NOPTR, $32
DATA log2<>+0(SB)/8, $0x3e3a2e8c3e3a2e8c
DATA log2<>+8(SB)/8, $0x3e3a2e8c3e3a2e8c
DATA log2<>+16(SB)/8, $0x3e3a2e8c3e3a2e8c
DATA log2<>+24(SB)/8, $0x3e3a2e8c3e3a2e8c
GLOBL log2<>(SB), RODATA|NOPTR, $32
DATA log3<>+0(SB)/8, $0x3e638e393e638e39
DATA log3<>+8(SB)/8, $0x3e638e393e638e39
DATA log3<>+16(SB)/8, $0x3e638e393e638e39
DATA log3<>+24(SB)/8, $0x3e638e393e638e39
GLOBL log3<>(SB), RODATA|NOPTR, $32
DATA log4<>+0(SB)/8, $0x3e9249253e924925
DATA log4<>+8(SB)/8, $0x3e9249253e924925
DATA log4<>+16(SB)/8, $0x3e9249253e924925
DATA log4<>+24(SB)/8, $0x3e9249253e924925
GLOBL log4<>(SB), RODATA|NOPTR, $32
DATA log5<>+0(SB)/8, $0x3ecccccd3ecccccd
DATA log5<>+8(SB)/8, $0x3ecccccd3ecccccd
DATA log5<>+16(SB)/8, $0x3ecccccd3ecccccd
DATA log5<>+24(SB)/8, $0x3ecccccd3ecccccd
GLOBL log5<>(SB), RODATA|NOPTR, $32
DATA log6<>+0(SB)/8, $0x3f2aaaab3f2aaaab
DATA log6<>+8(SB)/8, $0x3f2aaaab3f2aaaab
DATA log6<>+16(SB)/8, $0x3f2aaaab3f2aaaab
DATA log6<>+24(SB)/8, $0x3f2aaaab3f2aaaab
GLOBL log6<>(SB), RODATA|NOPTR, $32
DATA bias<>+0(SB)/8, $0x0000007f0000007f
DATA bias<>+8(SB)/8, $0x0000007f0000007f
DATA bias<>+16(SB)/8, $0x0000007f0000007f
DATA bias<>+24(SB)/8, $0x0000007f0000007f
GLOBL bias<>(SB), RODATA|NOPTR, $32
DATA signs<>+0(SB)/8, $0x8000000080000000
DATA signs<>+8(SB)/8, $0x8000000080000000
DATA signs<>+16(SB)/8, $0x8000000080000000
DATA signs<>+24(SB)/8, $0x8000000080000000
GLOBL signs<>(SB), RODATA|NOPTR, $32
DATA erf0<>+0(SB)/8, $0xaf95df0baf95df0b
DATA erf0<>+8(SB)/8, $0xaf95df0baf95df0b
DATA erf0<>+16(SB)/8, $0xaf95df0baf95df0b
DATA erf0<>+24(SB)/8, $0xaf95df0baf95df0b
GLOBL erf0<>(SB), RODATA|NOPTR, $32
DATA erf1<>+0(SB)/8, $0x32edffee32edffee
DATA erf1<>+8(SB)/8, $0x32edffee32edffee
DATA erf1<>+16(SB)/8, $0x32edffee32edffee
DATA erf1<>+24(SB)/8, $0x32edffee32edffee
GLOBL erf1<>(SB), RODATA|NOPTR, $32
DATA erf2<>+0(SB)/8, $0xb60cff51b60cff51
DATA erf2<>+8(SB)/8, $0xb60cff51b60cff51
DATA erf2<>+16(SB)/8, $0xb60cff51b60cff51
DATA erf2<>+24(SB)/8, $0xb60cff51b60cff51
GLOBL erf2<>(SB), RODATA|NOPTR, $32
DATA erf3<>+0(SB)/8, $0xb86ec2d2b86ec2d2
DATA erf3<>+8(SB)/8, $0xb86ec2d2b86ec2d2
DATA erf3<>+16(SB)/8, $0xb86ec2d2b86ec2d2
DATA erf3<>+24(SB)/8, $0xb86ec2d2b86ec2d2
GLOBL erf3<>(SB), RODATA|NOPTR, $32
DATA erf4<>+0(SB)/8, $0xba40ac63ba40ac63
DATA erf4<>+8(SB)/8, $0xba40ac63ba40ac63
DATA erf4<>+16(SB)/8, $0xba40ac63ba40ac63
DATA erf4<>+24(SB)/8, $0xba40ac63ba40ac63
GLOBL erf4<>(SB), RODATA|NOPTR, $32
DATA erf5<>+0(SB)/8, $0xbb41a1f6bb41a1f6
DATA erf5<>+8(SB)/8, $0xbb41a1f6bb41a1f6
DATA erf5<>+16(SB)/8, $0xbb41a1f6bb41a1f6
DATA erf5<>+24(SB)/8, $0xbb41a1f6bb41a1f6
GLOBL erf5<>(SB), RODATA|NOPTR, $32
DATA erf6<>+0(SB)/8, $0xbc83dbd4bc83dbd4
DATA erf6<>+8(SB)/8, $0xbc83dbd4bc83dbd4
DATA erf6<>+16(SB)/8, $0xbc83dbd4bc83dbd4
DATA erf6<>+24(SB)/8, $0xbc83dbd4bc83dbd4
GLOBL erf6<>(SB), RODATA|NOPTR, $32
DATA erfc0<>+0(SB)/8, $0xb77460cdb77460cd
DATA erfc0<>+8(SB)/8, $0xb77460cdb77460cd
DATA erfc0<>+16(SB)/8, $0xb77460cdb77460cd
DATA erfc0<>+24(SB)/8, $0xb77460cdb77460cd
GLOBL erfc0<>(SB), RODATA|NOPTR, $32
DATA erfc1<>+0(SB)/8, $0xb95fbd29b95fbd29
DATA erfc1<>+8(SB)/8, $0xb95fbd29b95fbd29
DATA erfc1<>+16(SB)/8, $0xb95fbd29b95fbd29
DATA erfc1<>+24(SB)/8, $0xb95fbd29b95fbd29
GLOBL erfc1<>(SB), RODATA|NOPTR, $32
DATA erfc2<>+0(SB)/8, $0xbadc924ebadc924e
DATA erfc2<>+8(SB)/8, $0xbadc924ebadc924e
DATA erfc2<>+16(SB)/8, $0xbadc924ebadc924e
DATA erfc2<>+24(SB)/8, $0xbadc924ebadc924e
GLOBL erfc2<>(SB), RODATA|NOPTR, $32
DATA erfc3<>+0(SB)/8, $0xbbf19bf8bbf19bf8
DATA erfc3<>+8(SB)/8, $0xbbf19bf8bbf19bf8
DATA erfc3<>+16(SB)/8, $0xbbf19bf8bbf19bf8
DATA erfc3<>+24(SB)/8, $0xbbf19bf8bbf19bf8
GLOBL erfc3<>(SB), RODATA|NOPTR, $32
DATA erfc4<>+0(SB)/8, $0xbc69b6a7bc69b6a7
DATA erfc4<>+8(SB)/8, $0xbc69b6a7bc69b6a7
DATA erfc4<>+16(SB)/8, $0xbc69b6a7bc69b6a7
DATA erfc4<>+24(SB)/8, $0xbc69b6a7bc69b6a7
GLOBL erfc4<>(SB), RODATA|NOPTR, $32
DATA four<>+0(SB)/8, $0x4080000040800000
DATA four<>+8(SB)/8, $0x4080000040800000
DATA four<>+16(SB)/8, $0x4080000040800000
DATA four<>+24(SB)/8, $0x4080000040800000
GLOBL four<>(SB), RODATA|NOPTR, $32
DATA minusFour<>+0(SB)/8, $0xc0800000c0800000
DATA minusFour<>+8(SB)/8, $0xc0800000c0800000
DATA minusFour<>+16(SB)/8, $0xc0800000c0800000
DATA minusFour<>+24(SB)/8, $0xc0800000c0800000
GLOBL minusFour<>(SB), RODATA|NOPTR, $32
DATA rootHalf<>+0(SB)/8, $0x3f3504f33f3504f3
DATA rootHalf<>+8(SB)/8, $0x3f3504f33f3504f3
DATA rootHalf<>+16(SB)/8, $0x3f3504f33f3504f3
DATA rootHalf<>+24(SB)/8, $0x3f3504f33f3504f3
GLOBL rootHalf<>(SB), RODATA|NOPTR, $32
DATA minusHalf<>+0(SB)/8, $0xbf000000bf000000
DATA minusHalf<>+8(SB)/8, $0xbf000000bf000000
DATA minusHalf<>+16(SB)/8, $0xbf000000bf000000
DATA minusHalf<>+24(SB)/8, $0xbf000000bf000000
GLOBL minusHalf<>(SB), RODATA|NOPTR, $32
DATA density<>+0(SB)/8, $0x3ecc422a3ecc422a
DATA density<>+8(SB)/8, $0x3ecc422a3ecc422a
DATA density<>+16(SB)/8, $0x3ecc422a3ecc422a
DATA density<>+24(SB)/8, $0x3ecc422a3ecc422a
GLOBL density<>(SB), RODATA|NOPTR, $32
DATA lowestNormal<>+0(SB)/8, $0xc2ae0000c2ae0000
DATA lowestNormal<>+8(SB)/8, $0xc2ae0000c2ae0000
DATA lowestNormal<>+16(SB)/8, $0xc2ae0000c2ae0000
DATA lowestNormal<>+24(SB)/8, $0xc2ae0000c2ae0000
GLOBL lowestNormal<>(SB), RODATA|NOPTR, $32
DATA lanes<>+0(SB)/8, $-1
DATA lanes<>+8(SB)/8, $-1
DATA lanes<>+16(SB)/8, $-1
DATA lanes<>+24(SB)/8, $-1
DATA lanes<>+32(SB)/8, $0
DATA lanes<>+40(SB)/8, $0
DATA lanes<>+48(SB)/8, $0
DATA lanes<>+56(SB)/8, $0
GLOBL lanes<>(SB), RODATA|NOPTR, $64
