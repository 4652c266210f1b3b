// Fixed key pairs and serial numbers: tests need no fresh ones, and making RSA keys takes a second each.
// These keys are public and good for nothing else.
import type { RandomSource, KeyAlgorithm, KeyPair, KeySource } from '../../src/util/keygen.ts';

export const rsaPairs: readonly KeyPair[] = [
  {
    privatePem: `-----BEGIN RSA PRIVATE KEY-----
MIIEowIBAAKCAQEAwsbnjPVdY9yI/Cw3T5OmPzhigSUSUXD4Q0lv10XRknwbqmxN
HB1GmqX5fMkF45M4+pVTtJV/0qwF0qIsqz0FA5FP+saAUWiMzcycGoDAgB9ZwE0Q
0tmzEl+hzFiWvzwCG1s5fymRy/r+UitUaFctxvTZ6eUqfrWfHgVS+yadiK5PxIwa
b1/p6WJzqlxzjRNQiRW/TAOXuYaycsi7TuNJcTh+ZVLYkfDlu3ibi7/O0YD/AtqB
d3J7mibTmOjlyqitjJesZp7HEOfg8L0+utv2NQ17B/jsSCrJ8eImRkkbchGYuung
4nxGTkxSQs9iYNrq13DsH1xc0VOzKyjmimACaQIDAQABAoIBABeZCYymXX4vxdjn
cnwNo2KdbjG/UAzV5v4f85DdQJrCtodbP6xcT6WE3kkkAbakq46QcOe8BRR9CueO
BmNorSbVgB8d1YYHaKe2VmNPngLnyXPm4lbpUSy0sWGUig75MjgmQT0KyEMyUYWb
Akrx5PXpzEzuGsvnLTPx6S/MaeGZJl71rtfIdbKhl4XyL80OV9gCNMXJGcbAoQbs
I8BkFVghajYDADeeSA1qppnBfetTswzfCc/5M5MpuhIN+qhh+jGONl1jyPP4hLIB
uO+8MgQn0wu40dSwZl21PpW0/gsw9mtriu4j0v8wGiSxu+ogjeZ3D60P+4Q43/AN
N5dppkECgYEA+Fkzis7TTDTLYIpjGzVClgElZTE6aISTvL7J1D31Ksbyxeq6o6iK
I9mMcB6d2chyIQ2etvZbI1+KrgYT+3m8UM8ALUYEwZQQjYn5JckMC79o6T3AeA+H
nzQCgILjTZIZvpqxtRN799tXOuuUGLkrfQ3g+WePdE9c1z72Lx4ZP60CgYEAyMcr
PERcNKBdfGCIDjYV9H2OLsWbakdQVtR1NVUHunNfT0KVbS+bpQDqnxjI+vEEmhpP
DLJCbyxhr1FQkmnLInZjhn3GkY3RPitc9Sx0rfZr+oalYZnvi8k8PI9O/CsPJKgW
b1VL2DfKXC7/bWIoJC29JYbuztYq0+WVY1DlNS0CgYEA85qkCUt5Ti4XNJpqPn0O
1I9JPCp+rZkmRaUr2snvm8dMykDGVNR0tFen/y65DbAl6zAt+DBNE7SbFrqVjT5L
L0TtWnttHOj9F6k4QA0miLt30Bonml05XjupHJ/HEQb3w9R/7iuvlV+NABmmyl2Q
P/mGLX6c460ZV3XGDE/M2n0CgYBiKc6ftqSGLmnGp8OdfyAY21Iq1/52ZcuHyHRN
0PboWAQfUmSQb5hfgiU0CAArgK9JUNeZU4ZbqI1SFCWakBL7FHrwhIoTHA1Togve
6w9ZBoQghrhREdwmsgq7aS2q6LqMp4nggQmF+zD7BRdpOXZ6ycoSkPgtNFTYKQVy
+1g1OQKBgHNP+dITAl3a/7f2M/tGdGO8LyYU/PZEqL9aiMjyt+S1efTzA5gTJKb7
aqPKT6+vbsv6EykL73a7M7AfIqIcUdedhnZ8q5kXYH3jQ7pUTT4N1zpozEBEqcuU
AJScWSkLewV5esoedoUAPpxaGd1rEvgxYujx0mriBYc1cUmJCcum
-----END RSA PRIVATE KEY-----
`,
    publicPem: `-----BEGIN PUBLIC KEY-----
MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAwsbnjPVdY9yI/Cw3T5Om
PzhigSUSUXD4Q0lv10XRknwbqmxNHB1GmqX5fMkF45M4+pVTtJV/0qwF0qIsqz0F
A5FP+saAUWiMzcycGoDAgB9ZwE0Q0tmzEl+hzFiWvzwCG1s5fymRy/r+UitUaFct
xvTZ6eUqfrWfHgVS+yadiK5PxIwab1/p6WJzqlxzjRNQiRW/TAOXuYaycsi7TuNJ
cTh+ZVLYkfDlu3ibi7/O0YD/AtqBd3J7mibTmOjlyqitjJesZp7HEOfg8L0+utv2
NQ17B/jsSCrJ8eImRkkbchGYuung4nxGTkxSQs9iYNrq13DsH1xc0VOzKyjmimAC
aQIDAQAB
-----END PUBLIC KEY-----
`,
  },
  {
    privatePem: `-----BEGIN RSA PRIVATE KEY-----
MIIEpAIBAAKCAQEAtVniIRCKC6UYq9RGFG7zXeN+RKX2CRv6a/SrxutDKS2zAMrR
adntU3YuXGTPkgn7p8jtAxHPYTEQa+b+N7R2ZEsT1zKOrmRnIILJ5FDEhi3qjdD6
QK/Us8STgUgpPpFveoY7iE5+PXBxc9mlGzOLrFMgc1xoWpV8GNAOZhhiPSYX7VaX
EwfhNqwGZuitQHR+3lQpIDJhdKvxrHFDbo108uHaV9S2ZOcNeXZlDXLJZtW0HZt1
ZyxwsterzjvG4p2SjGJMDtmCMMmyhFFVgpOLIdLDuwcASGWc/o4d13rtyLbElKwN
4jHVzVDqCR9uanQ8CEqp8kqBuwTqDaf1bXhyqwIDAQABAoIBAB4LuEVWIijvv3io
gLvd7gA+MqtY+7xioEjGjrc0PzpRUfjtoWhyLLnJOMEiCqndcY5I4cvCZaNqp5fY
+4FrKrpPHghnXfBSvitKv/xNzWGVteitGOkiuJDYHsAqnnq5Scj4+GAK8Stot8ND
6fDpx1hTpWq3gqqPXbIWtmv/2jbbE295D2FnSys0eCp2OklMn9onygdg7ybZVOav
0ZwLGa07up7mAoMtkh1j36RK+XXIQfPMSixi0puvYsJ6cVr2FEGEtRFsS11nTcqT
RZqnlqiiBbo+z7/6b9LGgqCrftzJrU6EBXBuwcZ4Ibi8BgDgkUnC4RL/Kln2HUV1
bw0rU6ECgYEA2y1AA7kcwpfrOiiHYWs/SKZ/QfGGOIZPbd2sA6a5Xv+Ccz5owE85
KLti8KnG4NJYlJ8bLmfO7bgCBq/34uJKyD+q6uSPdq+ShmKi8xfLPfiC4cvKfyWS
JDvKsltbGBmGKI253GjaHyTNj4Xe+VyqhZvADqp8OxvnWZrMgPCj9gkCgYEA09HC
YqFLQOOzd9DU5o6Mp9dc2BzTVR6ix823VOitnVKLNl/O24JF+37LnVCzdYGKGL/y
A40WVSJNgBr7s5aF1FpeSp9XRtTyEDgZ/Gyj9jQwR+AiYZI/OUNAKB7x3tNYK2se
DDYksBMtk1w20gVJZvYiI++rQXSGN6rcGmivsBMCgYEAof+4KQhRsaMIQlxidCcJ
B3HI7bzPMEhVvSbzVV+N9CF3Eic21a242dpnLurODK5suq0/MfWYhSxUkwzNc+0+
yPQGKMf3IgpzitCtEHCt0Ig2dR5j9caXViC7mUjc89spxh+7GKaHUi2pokOYo0dS
4p5UPoLUf/wH67r3HPbAucECgYEAiME8hwEr3NEl5Y1mZxRRq2tX/g9eQe5tmiIu
4xr2PEQ2rPxeSUpqdF0AiKi5tHvV9PS4A6LrcDudXcAOEXx1GwzdI8CMUKbbQa12
2YoqsaIwKbeDews41neczEpuTjaVDjMySyAJv8QiAKngmufe5CK1GA58ut3Iadhe
Eo7UHxECgYB/VTNKMxeHVNsnHwWi1VB2467W0vhd2BYf8qq6rhKyAJb2xFkdNq8Z
ipspB9skccYKGJCHBvPvbFM/qq2xnEGBwhEResNhXPIIcjvqnZlSHOB2AKwVbZ0W
Zj5jZ7wbst0XLWmhbib/lXLq4gpZhTzhpqeYRmhfGZp8iSZJXPPazg==
-----END RSA PRIVATE KEY-----
`,
    publicPem: `-----BEGIN PUBLIC KEY-----
MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAtVniIRCKC6UYq9RGFG7z
XeN+RKX2CRv6a/SrxutDKS2zAMrRadntU3YuXGTPkgn7p8jtAxHPYTEQa+b+N7R2
ZEsT1zKOrmRnIILJ5FDEhi3qjdD6QK/Us8STgUgpPpFveoY7iE5+PXBxc9mlGzOL
rFMgc1xoWpV8GNAOZhhiPSYX7VaXEwfhNqwGZuitQHR+3lQpIDJhdKvxrHFDbo10
8uHaV9S2ZOcNeXZlDXLJZtW0HZt1ZyxwsterzjvG4p2SjGJMDtmCMMmyhFFVgpOL
IdLDuwcASGWc/o4d13rtyLbElKwN4jHVzVDqCR9uanQ8CEqp8kqBuwTqDaf1bXhy
qwIDAQAB
-----END PUBLIC KEY-----
`,
  },
  {
    privatePem: `-----BEGIN RSA PRIVATE KEY-----
MIIEowIBAAKCAQEAwrBo48vYxHZZyZu7koNuy92Zj2gdkH/QNxvmlHQ9U59BqgEU
NAFJZlppZkR6JSXrcXRWn8qtDzXPyZt7SZXr6jjxiBp7cWvyRAVIzCj9X4mEs3mT
2yS5/uqA8O9r7TVLLQ0+fKVxC2Azf7hE9QTrBzODYawtsvl/ZLGsF7W+L+H1S346
Y1+AeCIDFNEwVLKxneeq6pFPZmaNZKyWYaADIOe7KR/PGrzIbhS9mQ7QDMTv9jhE
aH9q0IOgM+iOeaHBcna2xOSGbyAClwyOfONBfaj4P0dcMyfaY7AR9bKXWAV/vhA1
fi1KrbjbhGnz6fP+PWJeI3er3phV/e/w4KRhpwIDAQABAoIBAAW0JV6HGlKnJPpD
Fbu1Hgna9CS/aB5ToEX9C0ROI33PrJzOa0kawIu/Gldkqi9sbPll7yO/TFKlwPCn
HXWKbt7tzCWwoO0xvGdBwGA60zF5VensJejFqq1NMXndicvpQ8qOGMaOEkHDD78u
JtcGzdvoJnE2GiCkLpdEnUYUjP3aE75CatjUHdykb2U50I4UOLEneglvarpCLl/W
hJQpuMvZmSfTkVJhLPV+2tR6kouHqr06aoNcv2AR13EwZ50WmX468AdwsA+akAHd
/rcY9ayL7AVXozaOkHUjt97+rAvrXjyQC/JQ/hL5+OeqIK/5r9mLEIyCM0FOI3YF
6jr7NAECgYEA6EZxRunmUSkO05vV11/MZNcqVtig5NQW4d/vLu+75QQ9Cn2ZD+KI
jZ3binU56rauel9YSsjtncLM3kUJ7bmcZ1kCjlovFE7lf9VGX9odEOG5+vG7O69g
e3gYfH3ErGJjLZiWaQDDcdjP8x7BsXKEvMk9VUcAksKFzjy2fK0FlI0CgYEA1pMp
moIlF72ztrfA+gmYmNwM5yYDD6506z/SJgVRUrPQbDahQrF4lag/jm3HKMoPOTQN
4FHNK1g346mOhVnb8OwQH5EDYQU2S8QsgSgmns7rtrv+L7BXgI9NUNcOlDbHXeOS
Q6Q4um+R/YMenNpRaY5sOOsIMj4FGEQ9r9DDNAMCgYAdUi8ghYxGeIlfmw9uhbBW
lnbIycXdvQw6bTtTUH4GlfdiqKI2yCD2x5OcMdoiz/bMidaqchzUym90K4DqWoDs
5uaUs7u3s5HzBihBF1aN+ACzNeqtySDD1VA5/uJh5HWint112dvSNk1h4mMPFGa/
MiQk7Lac0CN1+mIK8QiATQKBgDydC6aS1wmS0/5sf/3h0hJ0LszpBvpaDLsbpzCI
VgWnt9upvvoJCgg0o+eHCThzg8Nj+fuBABUbcYZFMnZnAONYu+E+5JZ2k3TpsKy3
e9lmmF1hU5eDF+TAFlYcugiSRNU34Oxsqn234KSdcntajJ7l1ZpqgkE3FddaB5bv
wQSjAoGBAKjg9MNL436c3PPzIMABQNgZUhRQq8jNIaIkAw9C5bqtGsuNU7J4e2jM
PONOMTJiJQRXmlkqZAYM+OEDRwEiwqdf71ush5tX5JSkmJIejw6lq0E71Mi8+aFn
hFyBpRndaFi/NfoxrztrETN6s9VQVzjunNr1+xFttQO4hHWUDvZQ
-----END RSA PRIVATE KEY-----
`,
    publicPem: `-----BEGIN PUBLIC KEY-----
MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAwrBo48vYxHZZyZu7koNu
y92Zj2gdkH/QNxvmlHQ9U59BqgEUNAFJZlppZkR6JSXrcXRWn8qtDzXPyZt7SZXr
6jjxiBp7cWvyRAVIzCj9X4mEs3mT2yS5/uqA8O9r7TVLLQ0+fKVxC2Azf7hE9QTr
BzODYawtsvl/ZLGsF7W+L+H1S346Y1+AeCIDFNEwVLKxneeq6pFPZmaNZKyWYaAD
IOe7KR/PGrzIbhS9mQ7QDMTv9jhEaH9q0IOgM+iOeaHBcna2xOSGbyAClwyOfONB
faj4P0dcMyfaY7AR9bKXWAV/vhA1fi1KrbjbhGnz6fP+PWJeI3er3phV/e/w4KRh
pwIDAQAB
-----END PUBLIC KEY-----
`,
  },
  {
    privatePem: `-----BEGIN RSA PRIVATE KEY-----
MIIEowIBAAKCAQEAueFWjPyrQDdanunbDX9dgG0VTmQLfE96q+IooJwbQWgJxTU3
HzeogvFfe8vRcFr6HRXJMh4N57W/5Y6Gzbxa6LRyhlstXlPBBT85S3lBoaNkSauw
oOH7sh/IMfDPVQk0BlrpMd204bRPxHXTxv0M++TEkgSr1kIOx42JWuPJoSr1fnKU
FvcHYayybNtfMw7LF/eyac+hzaDwcl0+FXdYnVZyOKiCbuNX7vistotWuBbXr8dX
JgIkerWJyyyMQOEuV6UiimmeNGsLq4yr50q1G0tftlATfwxqYCA444nKR6iIBIom
ZbYVP0H32MYQB0JfS1jl8St3cUglFkluw9dwdwIDAQABAoIBAApSN9MWSJAFQtPm
GlKyiseRxwgWSAj8BMy8fxMD+AN2umwn20qxdXrn2ixukc+STacFyaktwAnorqIZ
euS7m7SmKGHLeEZvkh0veIf3UKyf/PaWQPV99tLaLuyO+YQ4QZpEvAQX0m5h67f1
7u9yp6Do//03oy7/dgCgnEresRhwyOmAREREoPN9EqvtQAXIN8yAbflGckngBY6c
StDlFReWvWOQ/R8/XSW2d6AVtDB0bDK08Kt6w5/zPGMjlQz7NPQR+SI3NNbl6JiK
kX6XDcT4yTVo01SrF4NLathlcOnanpkdPa0SOIfgXPs07xSf4SEo2JlI+ljqhJMe
XALSAQECgYEA7DxK1nhvq1zlXT3VK68KhmeIATEMmGpw33ODRrEeT6Q64/fcFeAi
ioyvsWOz0R5EWl/PqBXxC3DN9OhmePobGKj6xQQCesxkpGq4lH3F/RaAmipNAykJ
iRgrS3Dh/j1sJNzDuMD8nXZtDDC2MhAosi+AepNZlSxavsRGh36nsoECgYEAyW6I
aqPh9Brd1UoLMxdhgp21F+G16X8qMm/psc283HcdUOMjL7BqhtGIsbMgYlhIxUUx
w/9LDtux87Cd9ojQODRDbi83cBRT0qT+cGR8LmoOOUHcmedklP7eefKrpPm8mgvb
njuPW1tOSFYcgnjlop/AYIYE16ds6GvVhOjjNvcCgYEAj/1n+DXMivzCaQTpTAkT
Nz0frupArR4j0m9MEuieexi1NIK9STAmnaCG7m7BCbOTIirIHcHR/JEzWBXXb+Gy
ZmOJBlEdWc//gB/0hb3r0gnHNTCXZFe9Ei0DJqaVeSvjIMzXF2O6Fhg6+3UteHJU
+9bsTspFjiFM5n4oJypR+QECgYBuauXityVEX3nc0nLjNdzg8bx0c+j5LxkdftV2
/xWZML5kOa5vFODAOJoa9ts4rbZuVOjbzNUDNxEMSXO90e9578RK4R0dljcA0Csd
xyd/demIH39i6kHrnu6roIfQrolhVEC2M2X5KUr3QiTsrIMMq0+UWcLLyF5d5cas
zdDHrwKBgEGGZdcEwK/qt6lrHJIX1QiY2MqV57v4tV4OCsAHOOz3kE9b5gHdxVF+
TevoCK2hixA53x98HazJMFi1sNrJaLC4n+UlHvOmYO1swgxcs0boqWjiUaX1Z4pM
vpWF7DYZs1t7zYe7FAXp2uAGQf8FmV8d7X144crzvVz3h7gSCUgh
-----END RSA PRIVATE KEY-----
`,
    publicPem: `-----BEGIN PUBLIC KEY-----
MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAueFWjPyrQDdanunbDX9d
gG0VTmQLfE96q+IooJwbQWgJxTU3HzeogvFfe8vRcFr6HRXJMh4N57W/5Y6Gzbxa
6LRyhlstXlPBBT85S3lBoaNkSauwoOH7sh/IMfDPVQk0BlrpMd204bRPxHXTxv0M
++TEkgSr1kIOx42JWuPJoSr1fnKUFvcHYayybNtfMw7LF/eyac+hzaDwcl0+FXdY
nVZyOKiCbuNX7vistotWuBbXr8dXJgIkerWJyyyMQOEuV6UiimmeNGsLq4yr50q1
G0tftlATfwxqYCA444nKR6iIBIomZbYVP0H32MYQB0JfS1jl8St3cUglFkluw9dw
dwIDAQAB
-----END PUBLIC KEY-----
`,
  },
  {
    privatePem: `-----BEGIN RSA PRIVATE KEY-----
MIIEowIBAAKCAQEAs7eGxyiRPDU8OnhxSKK5h9eO4iVQx+U8jqKwDBzBrqKWA+vY
mslVLi6zCp6Ar82XfJT/wAekVzkoqVy1QOaqr/emZoSr9psKcPJoQvcqRVjacnOC
G6lAvjt0xXIBr3hm9pr4FSAWAsJV4FZxwISPVtUWqCq9Rffur5nfoJ9pFG6CNd4g
UwYEBOIxhfcsnNU9Ke08pFBEMO1mE4DAqdJdZDnjxbv7q05xwOixPMN9wYizVq2V
bWhMeUwPwqLcI9HQriWL7iLqDqtlvRCfmThhULyGXZFQgp8bOCCX7RX2dwEMSAH8
bZ88Fim8gUK09xI3Se9kyvrzdgGQP3NhGmJ63QIDAQABAoIBAAHZ2w6EEXLgTX2A
rhIEcwq+Ip+bqMhWSRhi/pMxXKFS1V62+CUn+7OdEYUDeunUoUHMOxIcQgoP8aZE
6S0A8zMaxuD5btf8YtAk/wPpjcrnDmDtZaKpTJxo+lvqP7Ax+kWB9RoqmW9v1viX
i1ZjRyKq0S/sOMTWt+OhHxeFbMykDkVieLOJT0FQpYLQJcO9bbdxP3w/NDr6dF7J
Xu+yj/vAAb0wAVH4Ejq9XT6SjPPdOzcqejgq62Jw1+UH9y9o3iIJ+g33pvma9pRH
ddkW7brQZlUk89EQwimFuB0nt8rdB1dm99WD/LBazFCTAUY83FxIW5LT83fKMy70
JXrOhtUCgYEA+TxA7DS1+gRHEPz8fF4JHq1L0Ki0AUvVcRLsb2Tb20K1O0mSoIEW
AGamGKipG9Q14oGAcBKHqMxLtFsGGobSTqJgrHviO6IsixUNRP+k+rSShuXef2Nq
Ugwk9MTHHCiueIdOk75yNpYmnUZheMFMiRWbhjP83F57R7TaFBzgxDcCgYEAuJg9
+ha5LEcve8Miq7yjXX4pOVqLA31LyImXE82vtTZhlLCYqnCdQB7e21ondRypQbOJ
6xVrnjrCCAPrj2ij5pXHHOhQQLhe7SXphBwgLK5Rw7evaxgpUltvcwoH837vg0f6
nrwjdmPDJw2gcHStj24U94zuzsBrvs/g0P2BF4sCgYAX7KvCwNCTHmQAAnjuK0yu
0C3N6tPUqAXmI83kZ4cfRgkFlutnUtzczv20skQBct51Tr8Ygv7YujuuJWqxky2O
9NFY3U97L/ccprmuXOfmVP0Xy+sOyWlEVPwbLuR6FIGi+kIVtptaGBG+2Sm0IMIL
CrLyL/1e3gbxfC/O7HK7AwKBgCuS1F5qar+G9jByuYZseuug0j5VnybttqvZvq3Q
Cb/u3E3q+b6R4qy2HMkOmO3OHC4EIXQ6lDK/j/mwYzRw8O+HP38VX4xHeTDlmB+1
O+sQIwDeJSxUgbyNFNvE7GeP+R22KfS6WGyj0/cuAkdJY4bN52kf/WcUiNp724e5
r3VNAoGBAO1A7VCGMqCjsjB18KLU2qZc+TvhymyHBYPpNNjFz9PxUZgcNSUbx27A
j4LGXvZqbPThIm5Q4nTZtfq6rAb5Lm/rf9wrXqOZrNJ9gzdiprqO5SYHT6Jiyqsz
1G+bC3DXP2XVhVDC/Fd5LZIfkDNTC6Fhwqoyy9yuGHlYhhWDf9XD
-----END RSA PRIVATE KEY-----
`,
    publicPem: `-----BEGIN PUBLIC KEY-----
MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAs7eGxyiRPDU8OnhxSKK5
h9eO4iVQx+U8jqKwDBzBrqKWA+vYmslVLi6zCp6Ar82XfJT/wAekVzkoqVy1QOaq
r/emZoSr9psKcPJoQvcqRVjacnOCG6lAvjt0xXIBr3hm9pr4FSAWAsJV4FZxwISP
VtUWqCq9Rffur5nfoJ9pFG6CNd4gUwYEBOIxhfcsnNU9Ke08pFBEMO1mE4DAqdJd
ZDnjxbv7q05xwOixPMN9wYizVq2VbWhMeUwPwqLcI9HQriWL7iLqDqtlvRCfmThh
ULyGXZFQgp8bOCCX7RX2dwEMSAH8bZ88Fim8gUK09xI3Se9kyvrzdgGQP3NhGmJ6
3QIDAQAB
-----END PUBLIC KEY-----
`,
  },
  {
    privatePem: `-----BEGIN RSA PRIVATE KEY-----
MIIEogIBAAKCAQEAn9S80+c862kMp2nn4h3wDHIxAwRzvKrk49hKCmcHqlWf/K7q
vf4j5wJrDlJy2TNEGhDNK/T76B1Kgo3gGDXsZYmocHF9vvWnkxmrfsbiiwn/EtVV
UY2qwUQV4cUtMDBtdqFZd7dahhI66FgKKSuwJNR1uH/4zeOTXyD57DNovbOO6hn3
34tm07hGia30D6uYYI2kB0/CeAe0xS89rvTWsBMZw/1O2DVj8wa4Ekq0ls8qB6u+
5NCs1Nqr8LfMHzDpl+zEW7yY/OiPre9spAg0M3F3znqtyVsdmN70uS9B+fkVORDH
pcrIame6OBrx6fek+zEdsogdiK5TVtF99cnB+QIDAQABAoIBAACGwFUdqAHfIjII
82u3YoYqosZaROakVMWlUt/EOsO7rXUKacPUwESEqa/t4z/w3x1g3HQecJfxRMC3
ppBzLlif7USViG77uyC3ucIHS1Fe5+P60jbxtalrnSYrB+eROUMQlqKszBOwoANf
itpbhk8mE08svg0w3dg3MRYvOH3rcKIKJfWBZFUPBSCxbLqhNV104vVWeJsDbXKx
VfPTPHfbuG0Rwdh06HI00JPve3QUd7G6ZYfVnNMdeDmA/dOOGSvy0XfV8gWSpPDG
xdOeb8ad8D/KCvTLXXpeXc6Y1A9L8cIvK0wvUvukflSvyjhqHxEq0V0Gg/0k8jc4
2E1rhWMCgYEAzyHuCjeMejKrqF4bnQnQ4seczdCv1HsRQHQ2EmMNTxWFj+McWvAL
2ppeNyZd6+KzldWq/9fKA8vS87e3kaZRsClKUGaLnkZY/2fpAQp3HczTcRWDeMtr
3+D4bb6FXBCKCiUbe9YSMyJi1KSZNi01oy51Jw0BCjAmFg/WcrdKZp8CgYEAxYn2
jjDFl0nZMmCvsIJFdu8Hq9c6MKA1wkI0soTPqE6dzoa3JRL03s7C2pIa+dpatcRg
6K+MstjXei53Ci6h3wkJi39G5L+nqkOY+qdKPnePwRDJQEFb12+7nov/gbxbaDti
CyT50TgI4c3gu0wRf2G580Ywq8SLXuGx3z3qiGcCgYBH3UvLe65fj0kDZ3NJLuis
Zfk/Z1I59GDt7eP8ySUK9Tqby35BBtv2Am0B0WvwtXz9VV642VObsZIFQQ6NmBjr
d8fy0UFLrrieFJ1A4TKmwjPyHja5KErLKDDJUrrOUGa0Ul+QvZse5qVHhbwqkdD0
RuAapmZf9IiiSuhqcLF9nQKBgGXLTo6/e1MW7yISyPaAayN60c0vwADGzm0oiNdl
sUzeFlwS99XXCvC2Q5s2p0gRyaTZacb+j9ap/4Aq6ZUJqsiwc4a7M+E1EkWfR/oC
szO1kRLAf7To+VbvcROmuSg11DTGRSPRDhtOcOVLnn9mF644wgYnKXWadueSDoMn
+PAJAoGALp1/Dq8AWtStENb9GGWrqh/x/av75dEJCGlZVZlJr3O2nLDmxhWThZPB
enocvfpR7EOXIaiV6VlfsAYlC1cKoMFx6ArcB6PlA7R7KdftwybvAOFnbAGkH3R6
Q/p5urZ00/Xl7kn9ITONtvWUMxHux+guYDG8K6n0ey4Q2kE9ieE=
-----END RSA PRIVATE KEY-----
`,
    publicPem: `-----BEGIN PUBLIC KEY-----
MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAn9S80+c862kMp2nn4h3w
DHIxAwRzvKrk49hKCmcHqlWf/K7qvf4j5wJrDlJy2TNEGhDNK/T76B1Kgo3gGDXs
ZYmocHF9vvWnkxmrfsbiiwn/EtVVUY2qwUQV4cUtMDBtdqFZd7dahhI66FgKKSuw
JNR1uH/4zeOTXyD57DNovbOO6hn334tm07hGia30D6uYYI2kB0/CeAe0xS89rvTW
sBMZw/1O2DVj8wa4Ekq0ls8qB6u+5NCs1Nqr8LfMHzDpl+zEW7yY/OiPre9spAg0
M3F3znqtyVsdmN70uS9B+fkVORDHpcrIame6OBrx6fek+zEdsogdiK5TVtF99cnB
+QIDAQAB
-----END PUBLIC KEY-----
`,
  },
];

export const p256Pairs: readonly KeyPair[] = [
  {
    privatePem: `-----BEGIN EC PRIVATE KEY-----
MHcCAQEEILa4mEujprzeSICZLKRX87p7JU6RHPzepXbtFmaTA9bkoAoGCCqGSM49
AwEHoUQDQgAED5XRi+S5FTpD5IjP8ibKhuJgUh3hKP8PcMALlsQzGKuL79ny1DCw
jebAh5Ad1wMmAhhGAGhZI83D6jFo97g8Gw==
-----END EC PRIVATE KEY-----
`,
    publicPem: `-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAED5XRi+S5FTpD5IjP8ibKhuJgUh3h
KP8PcMALlsQzGKuL79ny1DCwjebAh5Ad1wMmAhhGAGhZI83D6jFo97g8Gw==
-----END PUBLIC KEY-----
`,
  },
  {
    privatePem: `-----BEGIN EC PRIVATE KEY-----
MHcCAQEEIFBGzweZAIAA1QoOadrnMM5ZfLJuP9W25c3Ze5rvlHb5oAoGCCqGSM49
AwEHoUQDQgAE0Lm5P8PajO57qEkgXdMf6jeGZkBAEe8Bw0+1igsnvflXUAfhhPa/
/wb1oyd37tWPrj8d9kBLA98daN2U/JURTw==
-----END EC PRIVATE KEY-----
`,
    publicPem: `-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE0Lm5P8PajO57qEkgXdMf6jeGZkBA
Ee8Bw0+1igsnvflXUAfhhPa//wb1oyd37tWPrj8d9kBLA98daN2U/JURTw==
-----END PUBLIC KEY-----
`,
  },
  {
    privatePem: `-----BEGIN EC PRIVATE KEY-----
MHcCAQEEIAz1bOWfsXyP5o9u+F3dmYsR27zIFMWZ3NNLIgM/KcKsoAoGCCqGSM49
AwEHoUQDQgAEvmBOBk9IXYDySD5JBsR1v0/RiDEVeIVezigmHr4+fC0hYHhkQquW
FzXTlk2EjBEken8JU897Q0q94bpIf1Libw==
-----END EC PRIVATE KEY-----
`,
    publicPem: `-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEvmBOBk9IXYDySD5JBsR1v0/RiDEV
eIVezigmHr4+fC0hYHhkQquWFzXTlk2EjBEken8JU897Q0q94bpIf1Libw==
-----END PUBLIC KEY-----
`,
  },
];

export const p384Pairs: readonly KeyPair[] = [
  {
    privatePem: `-----BEGIN EC PRIVATE KEY-----
MIGkAgEBBDDOw2x66+ru2hYu8FC4s6E60yvfeS/sh1/mFBNreofbA5lNGONUm4g/
wWC8vUjTPEugBwYFK4EEACKhZANiAAQLr53gSjz62h8DqDE3UTh9YtsCUKkf0Jqm
v0yDgYRh4Vzhak/mIqw3uW2GWbVe/gCHVWXulo0qdx7YoOOntpoSl6BLOgV68zrY
ee9AqkWzak5daheQfygPWnzhH5urpaw=
-----END EC PRIVATE KEY-----
`,
    publicPem: `-----BEGIN PUBLIC KEY-----
MHYwEAYHKoZIzj0CAQYFK4EEACIDYgAEC6+d4Eo8+tofA6gxN1E4fWLbAlCpH9Ca
pr9Mg4GEYeFc4WpP5iKsN7lthlm1Xv4Ah1Vl7paNKnce2KDjp7aaEpegSzoFevM6
2HnvQKpFs2pOXWoXkH8oD1p84R+bq6Ws
-----END PUBLIC KEY-----
`,
  },
  {
    privatePem: `-----BEGIN EC PRIVATE KEY-----
MIGkAgEBBDCyV5JX1wV/Z4JiOAVEBBD8PzM2zXznvEAHwYS6jUI8cKzWKEpEC0mT
pJ1ced8LC6SgBwYFK4EEACKhZANiAAQGFPaQhp9HT7xI+8noVkf5Gg28qiEtwN3a
YzeiBa1kmZ7LluphFOhGFG5Chv8WcMKSGjqTDKPkJIKn90g9dBTI/Isx4TUZwRj/
TxDWV/MftnwGS2MU5n9/JYXjaS7bme4=
-----END EC PRIVATE KEY-----
`,
    publicPem: `-----BEGIN PUBLIC KEY-----
MHYwEAYHKoZIzj0CAQYFK4EEACIDYgAEBhT2kIafR0+8SPvJ6FZH+RoNvKohLcDd
2mM3ogWtZJmey5bqYRToRhRuQob/FnDCkho6kwyj5CSCp/dIPXQUyPyLMeE1GcEY
/08Q1lfzH7Z8BktjFOZ/fyWF42ku25nu
-----END PUBLIC KEY-----
`,
  },
  {
    privatePem: `-----BEGIN EC PRIVATE KEY-----
MIGkAgEBBDBZMMEkBirUV2E/wA0+6jq/7stR9BpQoQl2AHcue0m2wy+NI89FkkXE
s1xyhsk1W/6gBwYFK4EEACKhZANiAARpkCqtNyhcLFFXVrl40b4l4eLrZLybV3/J
8SjmfJjp6+5QyESzwl6UkEz47turTalJ+Gm84F8G6J1r/h/K40dqlDt+3Ps7/Y1+
4YI86+dmCbz1myh47k3Y7pBey8+MZng=
-----END EC PRIVATE KEY-----
`,
    publicPem: `-----BEGIN PUBLIC KEY-----
MHYwEAYHKoZIzj0CAQYFK4EEACIDYgAEaZAqrTcoXCxRV1a5eNG+JeHi62S8m1d/
yfEo5nyY6evuUMhEs8JelJBM+O7bq02pSfhpvOBfBuida/4fyuNHapQ7ftz7O/2N
fuGCPOvnZgm89ZsoeO5N2O6QXsvPjGZ4
-----END PUBLIC KEY-----
`,
  },
];

/** A pair of the list, which it must have. */
export function pairOf(pairs: readonly KeyPair[], index: number): KeyPair {
  const pair = pairs[index % pairs.length];
  if (pair === undefined) throw new Error('the list of key pairs is empty');
  return pair;
}

const pairsOf = {
  'RSA-2048': rsaPairs,
  'RSA-3072': rsaPairs,
  'RSA-4096': rsaPairs,
  'ECDSA-P256': p256Pairs,
  'ECDSA-P384': p384Pairs,
} as const;

/** Fixed pairs one after the other, from the first again at the end; `asked` says what was asked for. */
export function fixedKeys(): KeySource & { readonly asked: KeyAlgorithm[] } {
  const asked: KeyAlgorithm[] = [];
  return {
    asked,
    next: (algorithm) => Promise.resolve(pairOf(pairsOf[algorithm], asked.push(algorithm) - 1)),
  };
}

/** RandomSource without any: fixed keys, serials 1, 2, 3 …, characters and bytes that count up. */
export function fixedRandomSource(): RandomSource & { readonly keys: ReturnType<typeof fixedKeys> } {
  let serial = 0n;
  let character = 0;
  let byte = 0;
  const alphabet = 'abcdefghijklmnopqrstuvwxyz0123456789';
  return {
    keys: fixedKeys(),
    serial: () => (serial += 1n),
    tokenCharacters: (n) => Array.from({ length: n }, () => alphabet[character++ % alphabet.length]).join(''),
    bytes: (n) => Buffer.from(Array.from({ length: n }, () => byte++ % 256)),
  };
}
