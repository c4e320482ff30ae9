/** Words that people make secrets of. Lower case; digits that stand for letters have been read as letters before. */
export const GUESSABLE_WORDS: readonly string[] = [
  ...new Set(
    // what it is for
    (
      'secret secrets secretly secretkey password passwords passwort passphrase passwd pass private public token tokens jsonwebtoken webtoken ' +
      'json jwt jwts jws access refresh session cookie auth authentication authorization authenticate oauth openid login logon signin user users ' +
      'username admin administrator root system server service client customer application app apps api backend frontend web website site ' +
      'http https www com org net key keys signing signature sign signer signed verify verification encryption encrypted encrypting encrypt ' +
      'crypto cipher hash hashed hmac sha rsa aes base bit bits byte bytes salt seed phrase word code codes id uuid guid default example sample ' +
      'dummy mock placeholder demo test tests testing tested tester dev develop developer development prod production staging stage local ' +
      'localhost host config configuration settings setting environment env variable variables file files store storage vault temp temporary ' +
      // what is said about it
      'super ultra mega extra hyper very really quite too long longer longest short strong stronger strongest secure secured securely security ' +
      'safe safely safety safest random randomly unique special awesome amazing great best better good bad big huge little small top most least ' +
      'more less new old first last next only just hidden hide classified confidential protected efficient important simple easy hard real fake ' +
      'own same other different strings string text texts value values number numbers character characters char chars letter letters digit digits ' +
      'minimum minimal maximum required require requires need needs needed length size generated generate generator unknown unbreakable ' +
      // sentences
      'the and for not that this these those there their here have has had are was were will would shall should could can cannot must may might ' +
      'use used using put set get make made let know knows known think guess guessed never ever always share shared sharing keep kept stay tell ' +
      'say said read write change changed changeme changeit changing replace replaced insert please pls plz enter your yours you our ours his her ' +
      'its they them who whom whose which what when where why how all any some every each one two three four five six seven eight nine ten zero ' +
      'than then from into onto over under with without about after before because but also even still again back out off up down in on at to of ' +
      'by as is it be do so if or an am me my we us he no go hi ok yes nobody noone somebody someone anybody anyone everybody everyone nothing ' +
      'something anything everything way ways time times day days year years life love like want wants leak leaked stolen committed commit github ' +
      // names and fashions
      'hello world welcome goodbye quick brown jumps jump lazy run runs away foo bar baz qux lorem ipsum dolor sit amet dragon monkey letmein iloveyou sunshine princess football baseball ' +
      'basketball master superman batman spiderman pokemon starwars force shadow michael jordan trustno shh hush ninja cat dog fish pizza cookies ' +
      'coffee banana apple orange summer winter spring autumn monday friday january december company corp corporation enterprise project team ' +
      'group office home money bank shop store market game games music movie book books school student teacher hacker hack hacking ' +
      // technology
      'boot springboot express node nodejs django flask rails laravel symfony react angular vue nest graphql mongo mongodb mysql postgres ' +
      'postgresql redis database data docker kubernetes cloud aws azure google microsoft amazon facebook twitter java javascript typescript ' +
      'python ruby php golang rust linux windows ubuntu android iphone internet computer software network gateway microservice microservices ' +
      // other languages
      'senha segredo seguro secreto secreta clave contrasena mi su para geheim geheimnis schluessel sehr lang mein dies ist ein wachtwoord ' +
      'motdepasse cle secrete hemlighet hemlig rahasia salasana haslo parola chave'
    ).split(' '),
  ),
];
